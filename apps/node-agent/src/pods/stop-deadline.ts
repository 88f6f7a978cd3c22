import type { Clock } from '@gantry/base';

/** By when something must have stopped. It may be brought forward while others wait for it. */
export class StopDeadline {
  private readonly changed = new Set<() => void>();

  constructor(
    private readonly clock: Clock,
    private endMs: number,
  ) {}

  /** Only ever shortens. */
  bringForward(endMs: number): void {
    if (endMs >= this.endMs) return;
    this.endMs = endMs;
    for (const listener of this.changed) listener();
  }

  get remainingMs(): number {
    return Math.max(0, this.endMs - this.clock.now());
  }

  /** True when `event` settled in time, false when the deadline came first. Never rejects. */
  async reached(event: Promise<unknown>): Promise<boolean> {
    let cancel = () => {};
    const expired = new Promise<false>((resolve) => {
      const arm = () => {
        cancel();
        cancel = this.clock.after(this.remainingMs, () => resolve(false));
      };
      this.changed.add(arm);
      arm();
      const disarm = () => void this.changed.delete(arm);
      event.then(disarm, disarm);
    });
    const settled = event.then(
      () => true,
      () => true,
    );
    const result = await Promise.race([settled, expired]);
    cancel();
    return result;
  }
}
