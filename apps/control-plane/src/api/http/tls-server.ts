import type { RequestListener } from 'node:http';
import { Server, type ServerOptions } from 'node:https';
import type { TLSSocket } from 'node:tls';
import { type ClientPatience, clientPatience, Http2Sessions } from './http2-sessions.js';

/** How long the headers of a request may take to come. */
const headersTimeoutMs = 30_000;

/**
 * HTTPS on one port, over HTTP/2 for clients that offer it (ALPN h2) and over HTTP/1.1 for all others, which are served
 * by Node's own HTTPS server as if there were nothing else. WebSockets are opened over HTTP/1.1 only.
 */
export class TlsServer extends Server {
  private readonly http2: Http2Sessions;

  constructor(
    options: ServerOptions,
    listener: RequestListener,
    patience: ClientPatience = clientPatience,
  ) {
    super({ ...options, ALPNProtocols: ['h2', 'http/1.1'] }, listener);
    this.keepAliveTimeout = patience.idleMs;
    this.headersTimeout = headersTimeoutMs;
    this.requestTimeout = patience.bodyMs;
    this.http2 = new Http2Sessions(listener, patience);
    const http1 = this.listeners('secureConnection') as ((socket: TLSSocket) => void)[];
    this.removeAllListeners('secureConnection');
    this.on('secureConnection', (socket: TLSSocket) => {
      if (socket.alpnProtocol === 'h2') return this.http2.take(socket);
      for (const serve of http1) serve.call(this, socket);
    });
  }

  /** HTTP/1.1 is cut off; sessions of HTTP/2 may end their streams first, within a bound. */
  override closeAllConnections(): void {
    super.closeAllConnections();
    this.http2.close();
  }
}
