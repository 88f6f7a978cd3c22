import { systemClock, type Logger } from '@gantry/base';
import type { Etcd3 } from 'etcd3';
import type { Lease } from '../store.js';

/** One renewal is tried for this long before the next one, in milliseconds. */
const renewalTimeoutMs = 1_500;

/**
 * Keeps one lease alive, three times per ttl. It is presumed lost when no renewal that was *sent*
 * within the last ttl has been answered: etcd cannot have expired it earlier than that.
 */
export class KeptLease implements Lease {
  private readonly gone = new AbortController();
  private renewedAt: number;
  private cancelTimer: () => void = () => {};

  constructor(
    private readonly client: Etcd3,
    readonly id: string,
    readonly ttlSeconds: number,
    grantSentAt: number,
    private readonly logger: Logger,
    private readonly onGone: (lease: KeptLease) => void,
  ) {
    this.renewedAt = grantSentAt;
    this.schedule();
  }

  get lost(): AbortSignal {
    return this.gone.signal;
  }

  async revoke(): Promise<void> {
    this.giveUp('lease revoked');
    await this.client.leaseClient.leaseRevoke({ ID: this.id }).catch((error: unknown) => {
      // It expires by itself; its holder has let go either way.
      this.logger.debug({ err: error }, 'lease not revoked');
    });
  }

  /** Stops renewing without telling etcd. */
  giveUp(reason: string): void {
    if (this.gone.signal.aborted) return;
    this.cancelTimer();
    this.gone.abort(new Error(reason));
    this.onGone(this);
  }

  private schedule(): void {
    const ttlMs = this.ttlSeconds * 1_000;
    const expiresInMs = this.renewedAt + ttlMs - performance.now();
    if (expiresInMs <= 0) return this.giveUp(`lease not renewed within ${this.ttlSeconds} s`);
    // After a failed renewal the next one follows sooner, and the last look is at the expiry
    // itself.
    const overdue = performance.now() - this.renewedAt > ttlMs / 3;
    const waitMs = Math.min(overdue ? 250 : ttlMs / 3, expiresInMs);
    this.cancelTimer = systemClock.after(waitMs, () => void this.renew());
  }

  private async renew(): Promise<void> {
    const sentAt = performance.now();
    const remainingMs = this.renewedAt + this.ttlSeconds * 1_000 - sentAt;
    if (remainingMs <= 0) return this.schedule();
    try {
      const ttl = await this.askToRenew(Math.min(renewalTimeoutMs, remainingMs));
      if (ttl <= 0) return this.giveUp('lease expired in etcd');
      this.renewedAt = sentAt;
    } catch (error) {
      this.logger.debug({ err: error }, 'lease renewal failed');
    }
    if (!this.gone.signal.aborted) this.schedule();
  }

  private async askToRenew(timeoutMs: number): Promise<number> {
    const deadline = Date.now() + timeoutMs;
    const stream = await this.client.leaseClient.leaseKeepAlive({ deadline });
    return new Promise<number>((resolve, reject) => {
      stream.on('data', (answer) => {
        resolve(Number(answer.TTL));
        stream.end();
      });
      stream.on('error', reject);
      stream.on('end', () => reject(new Error('etcd ended the renewal without an answer')));
      stream.write({ ID: this.id });
    });
  }
}
