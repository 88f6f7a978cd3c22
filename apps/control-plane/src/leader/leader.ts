import type { Clock, Logger } from '@gantry/base';
import { describeError } from '@gantry/base';
import type { ObjectStore } from '@gantry/controller';
import { LeaderElection, type Leadership, type Precondition, type Store } from '@gantry/store';

/** Work that only one control plane does. */
export interface LeaderService {
  readonly name: string;
  /**
   * Called for each term; works until the signal aborts and returns soon after. Throwing ends the
   * term.
   */
  run(leadership: Leadership): Promise<void>;
}

export interface LeaderOptions {
  readonly store: Store;
  readonly objects: ObjectStore;
  readonly identity: string;
  readonly leaseSeconds: number;
  /** Told when another leads, and who. */
  readonly standby?: (leader: string) => void;
  readonly logger: Logger;
  readonly clock: Clock;
}

/**
 * Starts what was registered when this control plane wins the election, and stops it when it loses.
 */
export class Leader {
  /** Writes through these hold only while this control plane leads. */
  readonly objects: ObjectStore;
  private readonly services: LeaderService[] = [];
  private readonly stopping = new AbortController();
  private readonly election: LeaderElection;
  private running: Promise<void> | undefined;
  private term: Leadership | undefined;

  constructor(private readonly options: LeaderOptions) {
    const { store, identity, leaseSeconds, logger, clock, standby } = options;
    this.objects = options.objects.fenced(() => this.fence);
    const key = 'leader/control-plane';
    const ttlSeconds = leaseSeconds;
    const told = standby ? { standby } : {};
    this.election = new LeaderElection(store, {
      key,
      identity,
      ttlSeconds,
      logger,
      clock,
      ...told,
    });
  }

  get leading(): boolean {
    return this.term !== undefined;
  }

  /** Holds while this control plane leads; undefined when it does not. */
  get fence(): Precondition | undefined {
    return this.term?.fence;
  }

  /** Before `start`, in a module's constructor or onModuleInit. */
  register(service: LeaderService): void {
    if (this.running) throw new Error(`leader service ${service.name} is registered too late`);
    this.services.push(service);
  }

  start(): void {
    this.running ??= this.election.run(this.stopping.signal, (term) => this.lead(term));
  }

  /** Ends the term and hands over; resolves when all services have stopped. */
  async stop(): Promise<void> {
    this.stopping.abort(new Error('the control plane stops'));
    await this.running;
  }

  private async lead(term: Leadership): Promise<void> {
    const failed = new AbortController();
    const signal = AbortSignal.any([term.signal, failed.signal]);
    this.term = term;
    const runs = this.services.map(async (service) => {
      try {
        await service.run({ signal, fence: term.fence });
      } catch (error) {
        if (signal.aborted) return;
        // Half of a leader is worse than none: another one, or the next term, may do better.
        const fields = { service: service.name, err: error };
        this.options.logger.error(fields, `${service.name} failed: ${describeError(error)}`);
        failed.abort(error);
      }
    });
    try {
      await ended(signal);
      await Promise.all(runs);
    } finally {
      this.term = undefined;
    }
  }
}

function ended(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    signal.addEventListener('abort', () => resolve(), { once: true });
  });
}
