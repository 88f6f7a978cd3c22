import { Agent as HttpAgent, request as httpRequest, type IncomingMessage } from 'node:http';
import { Agent as HttpsAgent, request as httpsRequest, type AgentOptions } from 'node:https';
import type { ClusterConfig } from './cluster.js';

export type Method = 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';

export interface HttpRequest {
  readonly method: Method;
  /** Absolute path with query. */
  readonly path: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
  /** Until the answer's head has come; 0 waits for ever. */
  readonly timeoutMs: number;
  readonly signal?: AbortSignal;
}

const maxSockets = 64;
const idleSocketMs = 4_000;

/** What TLS needs to know of a cluster. */
export function tlsOptions(cluster: ClusterConfig): AgentOptions {
  return {
    ca: cluster.caPem,
    cert: cluster.certPem,
    key: cluster.keyPem,
    servername: cluster.serverName,
    rejectUnauthorized: !cluster.insecureSkipTlsVerify,
  };
}

/** Headers that identify the user where the certificate does not. */
export function authorization(cluster: ClusterConfig): Record<string, string> {
  if (cluster.token) return { authorization: `Bearer ${cluster.token}` };
  if (cluster.username === undefined) return {};
  const pair = Buffer.from(`${cluster.username}:${cluster.password ?? ''}`).toString('base64');
  return { authorization: `Basic ${pair}` };
}

/** One cluster's connections: HTTP/1.1, kept alive, with the user's certificate. */
export class Transport {
  readonly server: URL;
  private readonly agent: HttpAgent | HttpsAgent;

  constructor(
    readonly cluster: ClusterConfig,
    private readonly userAgent: string,
  ) {
    this.server = new URL(cluster.server);
    const pool = { keepAlive: true, maxSockets, timeout: 0, keepAliveMsecs: idleSocketMs };
    this.agent = this.isTls
      ? new HttpsAgent({ ...pool, ...tlsOptions(cluster) })
      : new HttpAgent(pool);
  }

  private get isTls(): boolean {
    return this.server.protocol === 'https:';
  }

  /** Resolves with the head; the caller consumes or destroys the stream. */
  send(request: HttpRequest): Promise<IncomingMessage> {
    const { method, path, body, timeoutMs, signal } = request;
    const headers: Record<string, string | number> = {
      'user-agent': this.userAgent,
      ...authorization(this.cluster),
      ...request.headers,
      ...(body !== undefined && { 'content-length': Buffer.byteLength(body) }),
    };
    const prefix = this.server.pathname.replace(/\/$/, '');
    const options = { method, headers, agent: this.agent, signal, path: prefix + path };
    return new Promise((resolve, reject) => {
      const open = this.isTls ? httpsRequest : httpRequest;
      const outgoing = open(this.server, options, (incoming) => {
        clearTimeout(timer);
        resolve(incoming);
      });
      const timer = timeoutMs
        ? setTimeout(() => {
            const message = `no answer within ${timeoutMs / 1000} s`;
            outgoing.destroy(Object.assign(new Error(message), { code: 'ETIMEDOUT' }));
          }, timeoutMs)
        : undefined;
      outgoing.on('error', (error) => {
        clearTimeout(timer);
        reject(error);
      });
      outgoing.end(body);
    });
  }

  /** Ends all connections. */
  close(): void {
    this.agent.destroy();
  }
}
