import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Http2ServerRequest, Http2ServerResponse } from 'node:http2';
import type { Socket } from 'node:net';

/** The client's connection, one and the same for all requests that come over it. */
export function connectionOf(request: IncomingMessage | Http2ServerRequest): Socket {
  // A request of HTTP/2 has a socket of its own by looks, made anew for each.
  return ('stream' in request && request.stream.session?.socket) || request.socket;
}

/** Whether nobody waits for the answer any more. */
export function isGone(response: ServerResponse | Http2ServerResponse): boolean {
  return 'stream' in response ? response.stream.destroyed : response.closed;
}
