import http from 'node:http';
import https from 'node:https';
import type { Readable } from 'node:stream';
import tls from 'node:tls';
import { ImageError } from '../errors.js';

export interface HttpRequest {
  readonly method: 'GET' | 'HEAD' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  readonly url: URL;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: Uint8Array | Readable;
  /** PEM certificates trusted besides the system's. */
  readonly ca?: string;
  readonly signal?: AbortSignal;
}

/** An answer's head, and its body as a stream. */
export type HttpResponse = Readable &
  Pick<http.IncomingMessage, 'statusCode'> & { readonly headers: http.IncomingHttpHeaders };

/** One request and its answer, without redirects; `direct` is how it would go without anybody between. */
export type Exchange = (
  request: HttpRequest,
  direct: (request: HttpRequest) => Promise<HttpResponse>,
) => Promise<HttpResponse>;

const directly: Exchange = (request, direct) => direct(request);

/** Silence after which a connection counts as dead, in milliseconds. */
const idleTimeoutMs = 30_000;
const maxRedirects = 5;
/** Most bytes of an answer that is read whole. */
const maxTextBytes = 8 << 20;
const socketsPerHost = 16;

const userAgent = 'gantry/0.1';

/** HTTP with pooled connections and redirects; knows nothing of registries. */
export class Transport {
  private readonly plain = new http.Agent({ keepAlive: true, maxSockets: socketsPerHost });
  private readonly secure = new Map<string, https.Agent>();

  /** Resolves with the answer's head; its body must be consumed or destroyed by the caller. */
  async send(request: HttpRequest, exchange: Exchange = directly): Promise<HttpResponse> {
    const direct = (one: HttpRequest) => this.once(one);
    let current = request;
    for (let redirects = 0; ; redirects += 1) {
      const response = await exchange(current, direct);
      const { statusCode = 0, headers } = response;
      const isRedirect = [301, 302, 303, 307, 308].includes(statusCode) && headers.location;
      if (!isRedirect || !['GET', 'HEAD'].includes(request.method)) return response;
      response.resume();
      if (redirects >= maxRedirects) {
        throw new ImageError('unavailable', `${request.url.host} redirects in circles`);
      }
      current = redirected(current, new URL(headers.location!, current.url));
    }
  }

  close(): void {
    this.plain.destroy();
    for (const agent of this.secure.values()) agent.destroy();
  }

  private once(request: HttpRequest): Promise<http.IncomingMessage> {
    const { method, url, signal, body } = request;
    const isPlain = url.protocol === 'http:';
    const agent = isPlain ? this.plain : this.secureAgent(request.ca);
    const headers = { 'user-agent': userAgent, ...request.headers };
    return new Promise((resolve, reject) => {
      const options = { method, headers, agent, signal };
      const sent = isPlain ? http.request(url, options) : https.request(url, options);
      sent.once('response', resolve);
      sent.once('error', reject);
      sent.setTimeout(idleTimeoutMs, () => {
        sent.destroy(new Error(`no answer from ${url.host} for ${idleTimeoutMs / 1000} s`));
      });
      if (body === undefined || body instanceof Uint8Array) sent.end(body);
      else body.once('error', (error) => sent.destroy(error)).pipe(sent);
    });
  }

  private secureAgent(ca: string | undefined): https.Agent {
    const key = ca ?? '';
    let agent = this.secure.get(key);
    if (!agent) {
      const trusted = ca === undefined ? undefined : [...tls.rootCertificates, ca];
      agent = new https.Agent({ keepAlive: true, maxSockets: socketsPerHost, ca: trusted });
      this.secure.set(key, agent);
    }
    return agent;
  }
}

function redirected(request: HttpRequest, url: URL): HttpRequest {
  if (url.protocol !== 'http:' && url.protocol !== 'https:') {
    throw new ImageError('unavailable', `${request.url.host} redirects to ${url.protocol}`);
  }
  if (request.url.protocol === 'https:' && url.protocol === 'http:') {
    throw new ImageError(
      'unavailable',
      `${request.url.host} redirects to plain http on ${url.host}`,
    );
  }
  if (url.host === request.url.host) return { ...request, url };
  // Credentials are for the registry, not for the storage it points to.
  const { authorization: _, ...headers } = request.headers ?? {};
  return { ...request, url, headers };
}

/** The whole body, bounded; throws when it is larger than `maxBytes`. */
export async function readBody(response: HttpResponse, maxBytes = maxTextBytes): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of response as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > maxBytes) {
      response.destroy();
      throw new ImageError('invalid-manifest', `an answer is larger than ${maxBytes} bytes`);
    }
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}
