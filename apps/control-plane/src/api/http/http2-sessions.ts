import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http';
import {
  constants,
  createServer,
  type Http2Server,
  type Http2Session,
  type ServerHttp2Stream,
} from 'node:http2';
import type { TLSSocket } from 'node:tls';

/** What one client may ask of us over one connection; as in kube-apiserver where that has such a limit. */
export const http2Limits = {
  maxConcurrentStreams: 250,
  /** Bytes that a request's headers may have. */
  maxHeaderListSize: 64 * 1024,
  /** Bytes of a body that a client may send ahead, so that most objects come without a wait. */
  initialWindowSize: 256 * 1024,
  /** A client may take back this many requests at once, and this many per second (CVE-2023-44487). */
  streamResetBurst: 1_000,
  streamResetRate: 33,
  maxSessionInvalidFrames: 100,
  maxSessionRejectedStreams: 100,
} as const;

/**
 * Requests that a client with a certificate of the cluster may have under way. Go's client, which kube-scheduler is
 * built on, dials anew for each request that finds no room, and then nothing is done but handshakes.
 */
export const maxStreamsOfKnownClients = 10_000;

/**
 * MiB that a session may hold for its client; beyond that its new requests are refused. Answers on their way count, and
 * a list of all pods of a large cluster is one answer.
 */
const maxSessionMebibytes = 1_024;

/** How long a server waits for its clients, in milliseconds. */
export interface ClientPatience {
  /** For a request on a session that has none; a client that only watches is asked this often whether it is there. */
  readonly idleMs: number;
  /** For the body of a request. */
  readonly bodyMs: number;
  /** For open streams to end when the server stops, and for the answer of a client that is asked. */
  readonly graceMs: number;
}

export const clientPatience: ClientPatience = { idleMs: 90_000, bodyMs: 60_000, graceMs: 2_000 };

/** The HTTP/2 half of a server: it takes connections over once TLS has settled on h2. */
export class Http2Sessions {
  private readonly server: Http2Server;
  private readonly sessions = new Map<Http2Session, number>();
  private isClosing = false;

  /** Requests go to the listener in the form that HTTP/1.1 gives them (Node's compatibility API). */
  constructor(
    listener: RequestListener,
    private readonly patience: ClientPatience,
  ) {
    const { maxConcurrentStreams, maxHeaderListSize, initialWindowSize, ...guards } = http2Limits;
    const settings = { maxConcurrentStreams, maxHeaderListSize, initialWindowSize };
    this.server = createServer({ settings, ...guards, maxSessionMemory: maxSessionMebibytes });
    this.server.on('session', (session) => this.track(session));
    this.server.on('stream', (stream, _headers, flags) => this.follow(stream, flags));
    this.server.on('request', (request, response) => {
      listener(request as unknown as IncomingMessage, response as unknown as ServerResponse);
    });
  }

  /** Serves a connection until it closes. */
  take(socket: TLSSocket): void {
    if (this.isClosing) socket.destroy();
    else this.server.emit('connection', socket);
  }

  /** Tells every client to come no more, and ends its session when its streams are done, or soon after. */
  close(): void {
    this.isClosing = true;
    for (const session of this.sessions.keys()) {
      const late = setTimeout(() => session.destroy(), this.patience.graceMs);
      session.once('close', () => clearTimeout(late));
      session.close();
    }
  }

  private track(session: Http2Session): void {
    this.sessions.set(session, 0);
    const { authorized } = session.socket as TLSSocket;
    if (authorized) session.settings({ maxConcurrentStreams: maxStreamsOfKnownClients });
    session.once('close', () => this.sessions.delete(session));
    this.waitForQuiet(session);
  }

  /** Once: a session that was quiet tells of it again only when it is asked to. */
  private waitForQuiet(session: Http2Session): void {
    session.setTimeout(this.patience.idleMs, () => this.quiet(session));
  }

  // A quiet watch is no reason to hang up, so long as its client is still there.
  private quiet(session: Http2Session): void {
    if (session.closed || session.destroyed) return;
    if (!this.sessions.get(session)) return session.close();
    const late = setTimeout(() => session.destroy(), this.patience.graceMs);
    const over = () => clearTimeout(late);
    session.once('close', over);
    const answered = () => {
      over();
      session.off('close', over);
      if (!session.destroyed) this.waitForQuiet(session);
    };
    if (!session.ping(answered)) session.destroy();
  }

  private follow(stream: ServerHttp2Stream, flags: number): void {
    const { session } = stream;
    if (!session) return;
    this.sessions.set(session, (this.sessions.get(session) ?? 0) + 1);
    const late =
      flags & constants.NGHTTP2_FLAG_END_STREAM
        ? undefined
        : setTimeout(() => stream.close(constants.NGHTTP2_CANCEL), this.patience.bodyMs);
    if (late) stream.once('end', () => clearTimeout(late));
    stream.once('close', () => {
      clearTimeout(late);
      const open = this.sessions.get(session);
      if (open !== undefined) this.sessions.set(session, open - 1);
    });
  }
}
