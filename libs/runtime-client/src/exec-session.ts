import type { Socket } from 'node:net';
import { Readable, Writable } from 'node:stream';
import { unavailable } from '@gantry/base';
import { Channel, encodeFrames, FrameDecoder, type Frame } from './frames.js';
import { readSessionStatus } from './native-boundary.js';

/** A process of a container with its streams; made by `RuntimeClient.exec` and `attach`. */
export interface ExecSession {
  /** Ends the process's stdin when ended. Absent when the session was asked for without stdin. */
  readonly stdin?: Writable;
  /** Both streams must be read (or resumed): what one does not take holds up the other. */
  readonly stdout: Readable;
  /** Stays empty with a terminal, where both arrive on stdout. */
  readonly stderr: Readable;
  /** Sets the terminal's size in characters; without a terminal it does nothing. */
  resize(size: { width: number; height: number }): void;
  /** The exit code (128 + signal when killed). Rejects when the session broke before the exit. */
  readonly exit: Promise<number>;
  /** Leaves at once. The process of an exec is killed; a container that was attached to runs on. */
  close(): void;
}

/** Speaks the frames of an established session over `socket`. */
export function openSession(socket: Socket, options: { stdin: boolean }): ExecSession {
  return new FramedSession(socket, options.stdin);
}

class FramedSession implements ExecSession {
  readonly stdin?: Writable;
  readonly stdout: Readable;
  readonly stderr: Readable;
  readonly exit: Promise<number>;
  private readonly decoder = new FrameDecoder();
  private readonly full = new Set<Readable>();
  private settle!: { resolve(code: number): void; reject(error: Error): void };
  private settled = false;

  constructor(
    private readonly socket: Socket,
    stdin: boolean,
  ) {
    this.exit = new Promise((resolve, reject) => (this.settle = { resolve, reject }));
    // Whoever only reads the streams learns of a break by their errors.
    this.exit.catch(() => undefined);
    this.stdout = this.output();
    this.stderr = this.output();
    if (stdin) this.stdin = this.input();
    socket.on('data', (chunk: Buffer) => this.receive(chunk));
    socket.on('error', (error) => this.end(error));
    socket.on('close', () => this.end(new Error('it was closed before the exit')));
    socket.resume();
  }

  resize(size: { width: number; height: number }): void {
    const json = JSON.stringify({ Width: size.width, Height: size.height });
    this.send(Channel.resize, Buffer.from(json));
  }

  close(): void {
    this.socket.destroy();
  }

  private output(): Readable {
    const stream: Readable = new Readable({
      read: () => {
        this.full.delete(stream);
        if (this.full.size === 0) this.socket.resume();
      },
    });
    // Without a listener a broken session would end the whole program.
    stream.on('error', () => undefined);
    return stream;
  }

  private input(): Writable {
    return new Writable({
      write: (chunk: Buffer, _encoding, done) => this.send(Channel.stdin, chunk, done),
      final: (done) => this.send(Channel.close, Buffer.from([Channel.stdin]), done),
    }).on('error', () => undefined);
  }

  private send(channel: number, payload: Uint8Array, done?: (error?: Error | null) => void): void {
    if (this.socket.destroyed || this.settled) {
      // The process has ended: like a pipe whose reader is gone, but nobody's fault.
      done?.();
      return;
    }
    const frames = encodeFrames(channel, payload);
    this.socket.write(Buffer.concat(frames), (error) => done?.(this.settled ? null : error));
  }

  private receive(chunk: Buffer): void {
    try {
      for (const frame of this.decoder.push(chunk)) this.handle(frame);
    } catch (error) {
      this.end(error as Error);
    }
  }

  private handle(frame: Frame): void {
    if (this.settled) return;
    if (frame.channel === Channel.status) {
      const exitCode = readSessionStatus(frame.payload.toString('utf8'));
      this.settled = true;
      this.settle.resolve(exitCode);
      this.stdout.push(null);
      this.stderr.push(null);
      this.socket.destroy();
      return;
    }
    const stream = frame.channel === Channel.stdout ? this.stdout : this.stderr;
    if (frame.channel !== Channel.stdout && frame.channel !== Channel.stderr) return;
    if (!stream.push(frame.payload)) {
      this.full.add(stream);
      this.socket.pause();
    }
  }

  private end(cause: Error): void {
    if (this.settled) return;
    this.settled = true;
    const error = unavailable('session of a container broke', { cause });
    this.settle.reject(error);
    this.stdout.destroy(error);
    this.stderr.destroy(error);
    this.stdin?.destroy();
    this.socket.destroy();
  }
}

export interface CollectedOutput {
  readonly exitCode: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Reads a session to its end, keeping the first `maxBytes` of each stream. */
export async function collectOutput(
  session: ExecSession,
  maxBytes = 1024 * 1024,
): Promise<CollectedOutput> {
  const [stdout, stderr] = [head(session.stdout, maxBytes), head(session.stderr, maxBytes)];
  const exitCode = await session.exit;
  return { exitCode, stdout: await stdout, stderr: await stderr };
}

async function head(stream: Readable, maxBytes: number): Promise<string> {
  const parts: Buffer[] = [];
  let room = maxBytes;
  try {
    for await (const chunk of stream as AsyncIterable<Buffer>) {
      if (room > 0) parts.push(chunk.subarray(0, room));
      room -= chunk.length;
    }
  } catch {
    // The session's `exit` tells why it broke.
  }
  return Buffer.concat(parts).toString('utf8');
}
