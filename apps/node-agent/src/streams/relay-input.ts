import type { Frame__Output } from '@gantry/agent-protocol';
import { Channel } from '@gantry/runtime-client';
import type { Relay } from './relay.js';

/** Frames that may wait before the sender is held back. */
const maxWaiting = 16;

/** What the caller of a relay sends on channel 0, until it closes that; rejects when the caller leaves before. */
export class RelayInput implements AsyncIterable<Buffer> {
  private readonly waiting: Buffer[] = [];
  private isComplete = false;
  private isPaused = false;
  private wake = () => {};

  constructor(private readonly relay: Relay) {
    relay.signal.addEventListener('abort', () => this.wake(), { once: true });
    relay.onFrame((frame) => this.receive(frame));
  }

  private receive({ channel, payload }: Frame__Output): void {
    if (channel === Channel.stdin && !this.isComplete) this.waiting.push(payload);
    if (channel === Channel.close && payload[0] === Channel.stdin) this.isComplete = true;
    if (this.waiting.length >= maxWaiting && !this.isPaused) {
      this.isPaused = true;
      this.relay.pause();
    }
    this.wake();
  }

  async *[Symbol.asyncIterator](): AsyncIterator<Buffer> {
    for (;;) {
      this.relay.signal.throwIfAborted();
      const next = this.waiting.shift();
      if (next) {
        yield next;
        continue;
      }
      if (this.isComplete) return;
      if (this.isPaused) {
        this.isPaused = false;
        this.relay.resume();
      }
      await new Promise<void>((resolve) => (this.wake = resolve));
    }
  }
}
