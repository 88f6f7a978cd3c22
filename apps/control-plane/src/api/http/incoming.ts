import type { IncomingMessage, ServerResponse } from 'node:http';
import { badRequest, GantryError } from '@gantry/base';
import type { UserInfo } from '../subresources/registry.js';
import type { ApiRequest } from './api-request.js';
import { maxBodyBytes } from './body.js';
import { isGone } from './connection.js';

const bodiless = new Set(['GET', 'HEAD', 'OPTIONS']);

function tooLarge(): GantryError {
  const limit = `${maxBodyBytes} bytes (${maxBodyBytes / 1024 / 1024} MiB)`;
  const message = `the request is too large: the limit is ${limit}`;
  return new GantryError('RequestEntityTooLarge', message);
}

/** All of the body, undefined when there is none; RequestEntityTooLarge, or BadRequest when it breaks off. */
export async function readBody(raw: IncomingMessage): Promise<Buffer | undefined> {
  const { 'content-length': length, 'transfer-encoding': coding } = raw.headers;
  const isStated = length !== undefined || coding !== undefined || raw.httpVersionMajor > 1;
  if (bodiless.has(raw.method ?? '') || !isStated || length === '0') return undefined;
  if (Number(length) > maxBodyBytes) throw tooLarge();
  const chunks: Buffer[] = [];
  let bytes = 0;
  let isWhole = false;
  await new Promise<void>((resolve, reject) => {
    const broken = (cause?: Error) => {
      // Every request is closed in the end, and an error is costly to make.
      if (!isWhole) reject(badRequest('the body of the request broke off', { cause }));
    };
    raw.on('data', (chunk: Buffer) => {
      bytes += chunk.length;
      if (bytes <= maxBodyBytes) return void chunks.push(chunk);
      chunks.length = 0;
      reject(tooLarge());
    });
    // Of what HTTP/2 takes back midway, the part that came ends like a whole.
    raw.once('end', () => {
      isWhole = !raw.aborted;
      if (isWhole) resolve();
      else broken();
    });
    raw.once('aborted', () => broken());
    raw.once('error', broken);
    raw.once('close', () => broken());
  });
  return chunks.length === 1 ? chunks[0] : Buffer.concat(chunks);
}

/** A request whose signal is made only for those who need one. */
export class Incoming implements ApiRequest {
  readonly method: string;
  readonly headers: ApiRequest['headers'];
  private aborted: AbortSignal | undefined;

  constructor(
    readonly raw: IncomingMessage,
    private readonly response: ServerResponse,
    readonly query: URLSearchParams,
    readonly user: UserInfo,
    readonly body: Buffer | undefined,
    private readonly stopping: AbortSignal,
  ) {
    this.method = raw.method ?? '';
    this.headers = raw.headers;
  }

  get signal(): AbortSignal {
    this.aborted ??= this.makeSignal();
    return this.aborted;
  }

  // By hand: AbortSignal.any would leave a trace of every request on the server's long-lived signal.
  private makeSignal(): AbortSignal {
    const { response, stopping } = this;
    const gone = new AbortController();
    if (isGone(response) || stopping.aborted) gone.abort();
    const stop = () => gone.abort(stopping.reason);
    stopping.addEventListener('abort', stop, { once: true });
    response.once('close', () => {
      stopping.removeEventListener('abort', stop);
      gone.abort();
    });
    return gone.signal;
  }
}
