import type { IncomingMessage } from 'node:http';
import type { UserInfo } from '../subresources/registry.js';

/** One request after routing and authentication. */
export interface ApiRequest {
  /** In upper case. */
  readonly method: string;
  readonly query: URLSearchParams;
  readonly headers: IncomingMessage['headers'];
  readonly body: Buffer | undefined;
  readonly user: UserInfo;
  /** Aborts when the client goes away or the server stops. */
  readonly signal: AbortSignal;
  readonly raw: IncomingMessage;
}
