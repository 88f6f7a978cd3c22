import type { Clock } from '@gantry/base';
import type { LeaseId, Store } from '@gantry/store';

/** How long an event stays after it was last written, at least; at most a sixth longer. */
const defaultTtlSeconds = 3_600;
const periodsPerTtl = 6;

/**
 * Leases that take events away, whoever wrote them and whatever becomes of this process. Events of one period share a
 * lease, so that their number says nothing about the number of leases.
 */
export class EventLeases {
  private lease: Promise<LeaseId> | undefined;
  private until = 0;

  constructor(
    private readonly store: Store,
    private readonly clock: Clock,
    private readonly ttlSeconds = defaultTtlSeconds,
  ) {}

  current(): Promise<LeaseId> {
    const nowMs = this.clock.now();
    if (this.lease && nowMs < this.until) return this.lease;
    const periodSeconds = Math.ceil(this.ttlSeconds / periodsPerTtl);
    this.until = nowMs + periodSeconds * 1_000;
    const lease = this.store.grantTerm(this.ttlSeconds + periodSeconds);
    lease.catch(() => this.renew());
    return (this.lease = lease);
  }

  /** The next event gets a new lease, since the present one may be what failed. */
  renew(): void {
    this.lease = undefined;
  }
}
