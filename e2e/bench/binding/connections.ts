import { connect, type ConnectionOptions, type TLSSocket } from 'node:tls';
import type { Credentials } from '../../cluster/control-plane-process.ts';

const headEnd = Buffer.from('\r\n\r\n');

export interface Answer {
  readonly status: number;
  readonly body: Buffer;
}

function tls(url: URL, { ca, certificate: cert, key }: Credentials): ConnectionOptions {
  return { host: url.hostname, port: Number(url.port), ca, cert, key, servername: 'localhost' };
}

/**
 * One kept-alive HTTPS connection with one request under way at a time. Written by hand because client, server
 * and store share two cores: Node's own client would cost as much as what is measured.
 */
class Connection {
  private readonly socket: TLSSocket;
  private received: Buffer = Buffer.alloc(0);
  private waiting: PromiseWithResolvers<Answer> | undefined;
  private readonly url: URL;

  constructor(url: URL, credentials: Credentials) {
    this.url = url;
    this.socket = connect({ ...tls(url, credentials), checkServerIdentity: () => undefined });
    this.socket.setNoDelay(true);
    this.socket.on('data', (bytes: Buffer) => this.take(bytes));
    this.socket.on('error', (error) => this.waiting?.reject(error));
    this.socket.on('close', () => this.waiting?.reject(new Error('the server hung up')));
  }

  send(method: string, path: string, body: string): Promise<Answer> {
    this.waiting = Promise.withResolvers<Answer>();
    const head =
      `${method} ${path} HTTP/1.1\r\nhost: ${this.url.host}\r\ncontent-type: application/json\r\n` +
      `content-length: ${Buffer.byteLength(body)}\r\n\r\n`;
    this.socket.write(head + body);
    return this.waiting.promise;
  }

  close(): void {
    this.waiting?.promise.catch(() => undefined);
    this.socket.destroy();
  }

  private take(bytes: Buffer): void {
    this.received = this.received.length > 0 ? Buffer.concat([this.received, bytes]) : bytes;
    const end = this.received.indexOf(headEnd);
    if (end < 0) return;
    const head = this.received.toString('latin1', 0, end);
    const length = Number(/content-length: (\d+)/i.exec(head)?.[1] ?? 0);
    const start = end + headEnd.length;
    if (this.received.length < start + length) return;
    const body = this.received.subarray(start, start + length);
    this.received = this.received.subarray(start + length);
    this.waiting?.resolve({ status: Number(head.slice(9, 12)), body });
  }
}

/** So many connections to one API server; each request takes one that is free. */
export class Connections {
  private readonly all: Connection[];

  constructor(apiUrl: string, credentials: Credentials, count: number) {
    const url = new URL(apiUrl);
    this.all = Array.from({ length: count }, () => new Connection(url, credentials));
  }

  /** Does the work for 0 … count - 1, on all connections at once. */
  async each(
    count: number,
    request: (i: number) => readonly [method: string, path: string, body: object | undefined],
  ): Promise<void> {
    let next = 0;
    const lane = async (connection: Connection) => {
      while (next < count) {
        const [method, path, body] = request(next++);
        const { status, body: text } = await connection.send(
          method,
          path,
          body ? JSON.stringify(body) : '',
        );
        if (status >= 300) throw new Error(`${method} ${path}: ${status} ${text.toString()}`);
      }
    };
    await Promise.all(this.all.map(lane));
  }

  /** The body of what is at the path; Error for any other status than 200. */
  async get(path: string): Promise<string> {
    const { status, body } = await this.all[0]!.send('GET', path, '');
    if (status !== 200) throw new Error(`GET ${path}: ${status} ${body.toString()}`);
    return body.toString();
  }

  close(): void {
    for (const connection of this.all) connection.close();
  }
}
