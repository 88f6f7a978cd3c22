import { connect, type Socket } from 'node:net';
import { badRequest, GantryError, unavailable } from '@gantry/base';
import type { ExitRecord } from './messages.js';
import { readLauncherLine } from './native-boundary.js';

/** A line of the launcher that is longer than this is not from the launcher. */
const maxLineBytes = 16 * 1024 * 1024;
/** The launcher refuses longer ones and hangs up. */
const maxRequestBytes = 1024 * 1024;
const newline = 10;

export interface ConnectionEvents {
  onExit(exit: ExitRecord): void;
  onClose(cause: Error): void;
}

interface Pending {
  resolve(result: unknown): void;
  reject(error: Error): void;
}

/** Opens the socket; rejects with the system's own error (ENOENT, ECONNREFUSED …). */
export function openSocket(path: string): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connect(path);
    socket.once('error', reject);
    socket.once('connect', () => {
      socket.off('error', reject);
      resolve(socket);
    });
  });
}

/** Collects a byte stream into lines. Throws when a line is too long. */
export class LineDecoder {
  private parts: Buffer[] = [];
  private bytes = 0;

  push(chunk: Buffer): string[] {
    const lines: string[] = [];
    let rest = chunk;
    for (let end = rest.indexOf(newline); end >= 0; end = rest.indexOf(newline)) {
      lines.push(Buffer.concat([...this.parts, rest.subarray(0, end)]).toString('utf8'));
      this.parts = [];
      this.bytes = 0;
      rest = rest.subarray(end + 1);
    }
    if (rest.length > 0) this.parts.push(rest);
    this.bytes += rest.length;
    if (this.bytes > maxLineBytes) throw new Error(`line is longer than ${maxLineBytes} bytes`);
    return lines;
  }
}

/** One request as its line; refused here when the launcher would refuse it by hanging up. */
export function requestLine(id: number, op: string, fields: object): string {
  const line = JSON.stringify({ ...fields, id, op });
  if (Buffer.byteLength(line) <= maxRequestBytes) return `${line}\n`;
  throw badRequest(`${op}: the request is longer than ${maxRequestBytes} bytes`);
}

/** Requests and answers over one socket. When it breaks, every open request rejects. */
export class LauncherConnection {
  private readonly pending = new Map<number, Pending>();
  private readonly lines = new LineDecoder();
  private lastId = 0;
  private closed: Error | undefined;

  constructor(
    private readonly socket: Socket,
    private readonly events: ConnectionEvents,
  ) {
    socket.on('data', (chunk: Buffer) => this.receive(chunk));
    socket.on('error', (error) => this.fail(error));
    socket.on('close', () => this.fail(new Error('the launcher has hung up')));
  }

  /** The `result` of the answer, not yet checked; rejects with the launcher's own error. */
  request(op: string, fields: object = {}): Promise<unknown> {
    return new Promise((resolve, reject) => {
      if (this.closed) return reject(this.lost(op, this.closed));
      const id = ++this.lastId;
      const line = requestLine(id, op, fields);
      this.pending.set(id, { resolve, reject: (error) => reject(this.lost(op, error)) });
      this.socket.write(line);
    });
  }

  close(): void {
    this.socket.destroy();
  }

  private receive(chunk: Buffer): void {
    try {
      for (const line of this.lines.push(chunk)) this.handle(line);
    } catch (error) {
      // Whoever speaks there is not a launcher that we understand.
      this.socket.destroy(error as Error);
    }
  }

  private handle(line: string): void {
    const message = readLauncherLine(line);
    if (message.kind === 'exit') return this.events.onExit(message.exit);
    if (message.id === undefined) throw (message as { error: Error }).error;
    const pending = this.pending.get(message.id);
    this.pending.delete(message.id);
    if (message.kind === 'result') pending?.resolve(message.result);
    else pending?.reject(message.error);
  }

  private lost(op: string, error: Error): Error {
    if (error instanceof GantryError) return error;
    return unavailable(`${op}: connection to gantry-monitor lost`, { cause: error });
  }

  private fail(cause: Error): void {
    if (this.closed) return;
    this.closed = cause;
    for (const pending of this.pending.values()) pending.reject(cause);
    this.pending.clear();
    this.events.onClose(cause);
  }
}
