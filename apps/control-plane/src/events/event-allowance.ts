import type { Clock } from '@gantry/base';

/** Different events that one object may have at once, and how long it takes to be allowed one more. */
const burst = 25;
const refillMs = 10_000;
/** Objects that are watched for chatter; the one heard of longest ago is let go first. */
const maxObjects = 4_096;

/** A token bucket per object, so that one noisy object does not crowd out the others. */
export class EventAllowance {
  private readonly buckets = new Map<string, { tokens: number; atMs: number }>();

  constructor(private readonly clock: Clock) {}

  /** Whether the object may have one more event now. */
  take(uid: string): boolean {
    const nowMs = this.clock.now();
    const known = this.buckets.get(uid);
    const gained = known ? (nowMs - known.atMs) / refillMs : burst;
    const tokens = Math.min(burst, (known?.tokens ?? 0) + gained);
    const isAllowed = tokens >= 1;
    this.buckets.delete(uid);
    this.buckets.set(uid, { tokens: isAllowed ? tokens - 1 : tokens, atMs: nowMs });
    if (this.buckets.size > maxObjects) this.buckets.delete(this.buckets.keys().next().value!);
    return isAllowed;
  }
}
