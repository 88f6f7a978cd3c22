import type { Readable } from 'node:stream';
import type { HttpRequest, HttpResponse } from './transport.js';

/** The code of errors by which a receiver says that it could not agree on TLS. */
export const tlsFailure = 'ETLS';

/** Takes a blob's bytes from its current position on, and can fetch them itself. */
export interface BlobReceiver {
  /** Bytes of the blob that it has. */
  readonly position: number;
  /**
   * Does one exchange, a GET by range; the body of a 200 or 206 stays with it. Rejects with an errno's `code` or
   * `tlsFailure`.
   */
  get(request: HttpRequest): Promise<HttpResponse>;
  /** Resolves when the body that the last `get` began has ended, or the blob is complete; rejects when it was cut. */
  flowed(signal?: AbortSignal): Promise<void>;
  /** Takes a stream that starts at `offset` in the blob, which is the position or before it. */
  stream(bytes: Readable, offset: number): Promise<void>;
}
