import type { Clock } from '@gantry/base';
import type { Lease, LeaseId, Store } from '@gantry/store';

/** How long an event stays after it was last seen, at least; at most one period longer. */
const defaultTtlSeconds = 3_600;
/** Events of one period share a lease, so that their number says nothing about the number of leases. */
const periodMs = 600_000;

/**
 * Leases that take events away. A lease is kept alive by its process, so it is revoked here when its time
 * is over; should the process die, the store itself lets it run out.
 */
export class EventLeases {
  private lease: Lease | undefined;
  private until = 0;
  private readonly revocations = new Set<() => void>();

  constructor(
    private readonly store: Store,
    private readonly clock: Clock,
    private readonly ttlSeconds = defaultTtlSeconds,
  ) {}

  async current(): Promise<LeaseId> {
    const nowMs = this.clock.now();
    if (this.lease && nowMs < this.until && !this.lease.lost.aborted) return this.lease.id;
    const lease = await this.store.grantLease(this.ttlSeconds);
    this.lease = lease;
    this.until = nowMs + periodMs;
    const cancel = this.clock.after(periodMs + this.ttlSeconds * 1_000, () => {
      this.revocations.delete(cancel);
      void lease.revoke().catch(() => {});
    });
    this.revocations.add(cancel);
    return lease.id;
  }

  /** Leaves all leases to the store: the events outlive this process. */
  close(): void {
    for (const cancel of this.revocations) cancel();
    this.revocations.clear();
    this.lease = undefined;
  }

  /** The next event gets a new lease, since the present one may be what failed. */
  renew(): void {
    this.lease = undefined;
  }
}
