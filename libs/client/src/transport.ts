import type { Agent as HttpAgent, IncomingMessage } from 'node:http';
import type { Agent as HttpsAgent, AgentOptions } from 'node:https';
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

interface Connections {
  readonly open: typeof import('node:https').request;
  readonly agent: HttpAgent | HttpsAgent;
}

// Node's TLS takes 35 ms to load: a program that only prints its help should not pay for it.
async function openConnections(cluster: ClusterConfig, isTls: boolean): Promise<Connections> {
  const pool = { keepAlive: true, maxSockets, timeout: 0, keepAliveMsecs: idleSocketMs };
  if (isTls) {
    const { Agent, request } = await import('node:https');
    return { open: request, agent: new Agent({ ...pool, ...tlsOptions(cluster) }) };
  }
  const { Agent, request } = await import('node:http');
  return { open: request, agent: new Agent(pool) };
}

/** One cluster's connections: HTTP/1.1, kept alive, with the user's certificate. */
export class Transport {
  readonly server: URL;
  private connections?: Promise<Connections>;

  constructor(
    readonly cluster: ClusterConfig,
    private readonly userAgent: string,
  ) {
    this.server = new URL(cluster.server);
  }

  /** Resolves with the head; the caller consumes or destroys the stream. */
  async send(request: HttpRequest): Promise<IncomingMessage> {
    this.connections ??= openConnections(this.cluster, this.server.protocol === 'https:');
    const { open, agent } = await this.connections;
    const { method, path, body, timeoutMs, signal } = request;
    const headers: Record<string, string | number> = {
      'user-agent': this.userAgent,
      ...authorization(this.cluster),
      ...request.headers,
      ...(body !== undefined && { 'content-length': Buffer.byteLength(body) }),
    };
    const prefix = this.server.pathname.replace(/\/$/, '');
    const options = { method, headers, agent, signal, path: prefix + path };
    return new Promise((resolve, reject) => {
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
    void this.connections?.then(({ agent }) => agent.destroy());
  }
}
