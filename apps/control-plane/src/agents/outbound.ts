import type { ControlMessage } from '@gantry/agent-protocol';

/** Messages that may wait for one agent; an agent that is further behind starts over with a snapshot. */
export const outboundLimit = 8192;

/** What can be written to and says when it is full. */
export interface Sink<T> {
  write(message: T): boolean;
  on(event: 'drain', listener: () => void): unknown;
}

/**
 * Orders on their way to one agent, in order and bounded. An order that has not left yet is replaced by
 * a later one under the same key, at the later one's place, so that what it refers to comes before it.
 */
export class Outbound {
  private readonly waiting = new Map<string, ControlMessage>();
  private isBlocked = false;

  constructor(
    private readonly sink: Sink<ControlMessage>,
    private readonly overflow: () => void,
  ) {
    sink.on('drain', () => {
      this.isBlocked = false;
      this.flush();
    });
  }

  send(key: string, message: ControlMessage): void {
    this.waiting.delete(key);
    if (this.waiting.size >= outboundLimit) {
      this.waiting.clear();
      this.overflow();
      return;
    }
    this.waiting.set(key, message);
    this.flush();
  }

  private flush(): void {
    while (!this.isBlocked) {
      const next = this.waiting.entries().next();
      if (next.done) return;
      this.waiting.delete(next.value[0]);
      this.isBlocked = !this.sink.write(next.value[1]);
    }
  }
}
