import { type IncomingHttpHeaders, type IncomingMessage } from 'node:http';
import { request as httpsRequest, type RequestOptions } from 'node:https';
import type { Duplex } from 'node:stream';
import { type Logger, unavailable } from '@gantry/base';
import type { ApiRequest } from './api-request.js';
import type { ApiResponse } from './api-response.js';

/** Marks a request that a peer sent on, so that stale sessions never make a circle. */
const forwardedHeader = 'x-gantry-forwarded';
const connectTimeoutMs = 5_000;
/** A list from a peer may be so long at most, in bytes: metrics of 100,000 pods fit. */
const maxAnswerBytes = 64 * 2 ** 20;

// They speak of one connection only (HTTP/2's pseudo headers too), or identify the first caller, whom the peer need
// not know again.
const notForwarded = new Set(['host', 'authorization', 'keep-alive', 'te', 'content-length']);

/** TLS material by which control planes know each other, read anew for each connection. */
export type PeerTls = () => Pick<RequestOptions, 'ca' | 'cert' | 'key' | 'servername'>;

/** Whether the request comes from another control plane, which asks for what is here alone. */
export function isForwarded(headers: IncomingHttpHeaders): boolean {
  return headers[forwardedHeader] !== undefined;
}

function headersFor(headers: IncomingHttpHeaders): Record<string, string | string[]> {
  const kept = Object.entries(headers).filter(
    (entry): entry is [string, string | string[]] =>
      entry[1] !== undefined && !notForwarded.has(entry[0]) && !entry[0].startsWith(':'),
  );
  return { ...Object.fromEntries(kept), [forwardedHeader]: '1' };
}

/** Passes requests on to the control plane that holds what they need, such as a node's session. */
export class PeerProxy {
  constructor(
    private readonly tls: PeerTls,
    private readonly logger: Logger,
  ) {}

  private optionsFor(raw: IncomingMessage, address: string): RequestOptions {
    if (isForwarded(raw.headers)) {
      throw unavailable('the session of the node has just moved: try again');
    }
    const { hostname, port } = new URL(`https://${address}`);
    return {
      ...this.tls(),
      host: hostname.replace(/^\[|\]$/g, ''),
      port,
      method: raw.method,
      path: raw.url,
      headers: headersFor(raw.headers),
      agent: false,
    };
  }

  /** The peer's answer, streamed as it comes; Unavailable when the peer cannot be reached. */
  forward({ raw, body, signal }: ApiRequest, address: string): Promise<ApiResponse> {
    const options = { ...this.optionsFor(raw, address), signal };
    return new Promise((resolve, reject) => {
      const request = httpsRequest(options, (response) => {
        request.setTimeout(0);
        resolve({
          status: response.statusCode ?? 502,
          contentType: response.headers['content-type'] ?? 'application/json',
          body: response,
        });
      });
      request.setTimeout(connectTimeoutMs, () => request.destroy(new Error('no answer in time')));
      request.on('error', (cause) => reject(unreachable(address, cause)));
      request.end(body);
    });
  }

  /** The peer's JSON answer to the same GET, undefined for 404; rejects when it is an error, too long or late. */
  async read(raw: IncomingMessage, address: string, signal: AbortSignal): Promise<unknown> {
    const headers = { accept: 'application/json', [forwardedHeader]: '1' };
    const options = { ...this.optionsFor(raw, address), headers, signal };
    const response = await new Promise<IncomingMessage>((resolve, reject) => {
      httpsRequest(options, resolve).on('error', reject).end();
    });
    const chunks: Buffer[] = [];
    let bytes = 0;
    for await (const chunk of response as AsyncIterable<Buffer>) {
      bytes += chunk.length;
      if (bytes > maxAnswerBytes) throw new Error(`the answer exceeds ${maxAnswerBytes} bytes`);
      chunks.push(chunk);
    }
    if (response.statusCode === 404) return undefined;
    if (response.statusCode !== 200) throw new Error(`the peer answers ${response.statusCode}`);
    return JSON.parse(Buffer.concat(chunks).toString('utf8'));
  }

  /** Joins the client's socket with the peer's, whatever the peer answers to the upgrade. */
  upgrade(raw: IncomingMessage, client: Duplex, head: Buffer, address: string): Promise<void> {
    const options = this.optionsFor(raw, address);
    return new Promise((resolve, reject) => {
      const request = httpsRequest(options);
      client.once('close', () => request.destroy());
      request.on('upgrade', (response, peer, peerHead) => {
        client.write(responseHead(response));
        if (peerHead.length > 0) client.write(peerHead);
        if (head.length > 0) peer.write(head);
        join(client, peer);
        resolve();
      });
      request.on('response', (response) => {
        client.write(responseHead(response));
        response.pipe(client);
        resolve();
      });
      request.on('error', (cause) => {
        this.logger.warn({ address, err: cause.message }, 'peer did not take the upgrade');
        reject(unreachable(address, cause));
      });
      request.end();
    });
  }
}

const unreachable = (address: string, cause: Error) =>
  unavailable(`the control plane at ${address}, which holds the node's session, does not answer`, {
    cause,
  });

function responseHead(response: IncomingMessage): string {
  const lines = [`HTTP/1.1 ${response.statusCode} ${response.statusMessage}`];
  for (let i = 0; i + 1 < response.rawHeaders.length; i += 2) {
    lines.push(`${response.rawHeaders[i]}: ${response.rawHeaders[i + 1]}`);
  }
  return `${lines.join('\r\n')}\r\n\r\n`;
}

function join(a: Duplex, b: Duplex): void {
  a.pipe(b);
  b.pipe(a);
  a.on('error', () => b.destroy());
  b.on('error', () => a.destroy());
  a.once('close', () => b.destroy());
  b.once('close', () => a.destroy());
}
