import { once } from 'node:events';
import {
  type ClientHttp2Session,
  type ClientHttp2Stream,
  connect,
  type IncomingHttpHeaders,
  type IncomingHttpStatusHeader,
} from 'node:http2';
import type { ConnectionOptions } from 'node:tls';
import type { Json } from './api-fixture.js';

export interface Http2Answer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders & IncomingHttpStatusHeader;
  readonly text: string;
  readonly body: Json;
}

/** One connection of HTTP/2 to the API, over which any number of requests go. */
export class Http2Client {
  private constructor(readonly session: ClientHttp2Session) {}

  static async connect(url: string, tls: ConnectionOptions): Promise<Http2Client> {
    const session = connect(url, { ...tls, checkServerIdentity: () => undefined });
    // Whoever waits for an answer is told by its stream; the session repeats that.
    session.on('error', () => undefined);
    await once(session, 'remoteSettings');
    return new Http2Client(session);
  }

  open(method: string, path: string, headers: Record<string, string> = {}): ClientHttp2Stream {
    const endStream = method === 'GET' || method === 'HEAD';
    const stream = this.session.request(
      { ':method': method, ':path': path, ...headers },
      { endStream },
    );
    stream.on('error', () => undefined);
    return stream;
  }

  async call(
    method: string,
    path: string,
    body?: unknown,
    headers: Record<string, string> = {},
  ): Promise<Http2Answer> {
    const stream = this.open(method, path, { 'content-type': 'application/json', ...headers });
    if (!stream.writableEnded) stream.end(body instanceof Buffer ? body : JSON.stringify(body));
    return answerOf(stream);
  }

  async close(): Promise<void> {
    if (this.session.destroyed) return;
    const closed = once(this.session, 'close');
    this.session.destroy();
    await closed;
  }
}

/** The whole answer; rejects when the stream or its session ends before. */
export async function answerOf(stream: ClientHttp2Stream): Promise<Http2Answer> {
  const headers = await headersOf(stream);
  let text = '';
  for await (const chunk of stream.setEncoding('utf8')) text += chunk as string;
  const isJson = headers['content-type']?.startsWith('application/json') && text !== '';
  return {
    status: headers[':status'] ?? 0,
    headers,
    text,
    body: isJson ? JSON.parse(text) : undefined,
  };
}

export async function headersOf(
  stream: ClientHttp2Stream,
): Promise<IncomingHttpHeaders & IncomingHttpStatusHeader> {
  const closed = once(stream, 'close').then(() => {
    throw new Error(`the stream ended without an answer (${stream.rstCode})`);
  });
  closed.catch(() => undefined);
  const [headers] = (await Promise.race([once(stream, 'response'), closed])) as [
    IncomingHttpHeaders & IncomingHttpStatusHeader,
  ];
  return headers;
}

/** Lines of a watch as they come. */
export async function* eventsOf(stream: ClientHttp2Stream): AsyncGenerator<Json> {
  let rest = '';
  for await (const chunk of stream.setEncoding('utf8')) {
    const lines = (rest + (chunk as string)).split('\n');
    rest = lines.pop()!;
    for (const line of lines) yield JSON.parse(line);
  }
}
