import { Bell } from '@gantry/base';
import type { WebSocket } from 'ws';

/** Channels of v5.channel.k8s.io: the first byte of each message. */
export const channel = {
  stdin: 0,
  stdout: 1,
  stderr: 2,
  status: 3,
  resize: 4,
  close: 255,
} as const;

/** Bytes that may wait for a slow client before `send` makes the sender wait. */
export const maxBufferedBytes = 1 << 20;

export interface ChannelFrame {
  readonly channel: number;
  readonly payload: Uint8Array;
}

/**
 * One exec, attach or port-forward session: messages of one channel byte and a payload, both ways.
 * Iterating yields the client's frames until it closes; a `close` frame's payload names its channel.
 */
export class ChannelSocket implements AsyncIterable<ChannelFrame> {
  private readonly frames: ChannelFrame[] = [];
  private readonly bell = new Bell();
  private closed = false;
  private closing = false;
  private paused = false;

  constructor(
    private readonly socket: WebSocket,
    /** The sub-protocol agreed on, e.g. `v5.channel.k8s.io`. */
    readonly protocol: string,
  ) {
    socket.binaryType = 'nodebuffer';
    socket.on('message', (data: Buffer) => this.receive(data));
    socket.on('close', () => this.onClosed());
    // An error is always followed by close, which ends the iteration.
    socket.on('error', () => undefined);
  }

  private receive(message: Buffer): void {
    if (message.length === 0 || this.closing) return;
    this.frames.push({ channel: message[0]!, payload: message.subarray(1) });
    if (this.frames.length >= maxWaitingFrames && !this.paused) {
      this.paused = true;
      this.socket.pause();
    }
    this.bell.ring();
  }

  private onClosed(): void {
    this.closed = true;
    this.bell.ring();
  }

  /** Resolves when the client can take more; resolves at once when it has gone. */
  async send(to: number, payload: Uint8Array | string): Promise<void> {
    if (this.closed) return;
    const bytes = typeof payload === 'string' ? Buffer.from(payload) : payload;
    const message = Buffer.allocUnsafe(bytes.length + 1);
    message[0] = to;
    message.set(bytes, 1);
    const sent = new Promise<void>((resolve) => this.socket.send(message, () => resolve()));
    if (this.socket.bufferedAmount > maxBufferedBytes) await sent;
  }

  /** Ends the session normally; what was sent before still arrives. */
  close(code = 1000, reason = ''): void {
    // What the client still sends is of no use now, but its own close must get through.
    this.closing = true;
    this.frames.length = 0;
    if (this.paused) this.resume();
    this.socket.close(code, reason);
  }

  async *[Symbol.asyncIterator](): AsyncIterator<ChannelFrame> {
    while (true) {
      const frame = this.frames.shift();
      if (frame) {
        if (this.paused && this.frames.length === 0) this.resume();
        yield frame;
        continue;
      }
      if (this.closed) return;
      await this.bell.rung();
    }
  }

  private resume(): void {
    this.paused = false;
    this.socket.resume();
  }
}

/** Frames that may wait for the handler before the client is made to wait. */
const maxWaitingFrames = 64;
