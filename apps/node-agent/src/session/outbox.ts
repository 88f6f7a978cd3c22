import type { AgentMessage } from '@gantry/agent-protocol';

/** Messages that may wait at most; beyond it the oldest event is dropped. */
export const outboxLimit = 4096;

/**
 * What waits to go up the stream. A later message under the same key takes the place of an earlier
 * one that has not left yet, so that a slow link carries the newest status and not the history.
 */
export class Outbox {
  private readonly waiting = new Map<string, AgentMessage>();

  put(key: string, message: AgentMessage): void {
    if (!this.waiting.has(key) && this.waiting.size >= outboxLimit) this.dropOldestEvent();
    this.waiting.set(key, message);
  }

  /** Removes and returns the next message. */
  take(): AgentMessage | undefined {
    const first = this.waiting.entries().next();
    if (first.done) return undefined;
    this.waiting.delete(first.value[0]);
    return first.value[1];
  }

  /** Forgets everything but events; the rest is said anew after a reconnect. */
  reset(): void {
    for (const [key, message] of this.waiting) if (!message.event) this.waiting.delete(key);
  }

  private dropOldestEvent(): void {
    for (const [key, message] of this.waiting) {
      if (message.event) {
        this.waiting.delete(key);
        return;
      }
    }
  }
}
