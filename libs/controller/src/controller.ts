import type { ApiObject } from '@gantry/api-machinery';
import {
  aborted,
  describeError,
  isReason,
  systemClock,
  type Clock,
  type Logger,
} from '@gantry/base';
import type { Informer } from './informer.js';
import { noMetrics, type ControllerMetrics, type Outcome } from './metrics.js';
import { WorkQueue } from './work-queue.js';

/** A reconciler that takes longer is told so by its signal, in milliseconds. */
const reconcileTimeoutMs = 60_000;

/** An informer, and which keys are to be reconciled when one of its objects changes. */
export interface Source<T extends ApiObject = ApiObject> {
  readonly informer: Informer<T>;
  /** `previous` is set when the object was changed; called for both on a change. */
  keys(object: T, previous?: T): readonly string[];
}

export interface ControllerOptions {
  /** Lower case, as it appears in logs and metrics. */
  readonly name: string;
  readonly sources: readonly Source[];
  /**
   * Brings the object of one key closer to its spec; idempotent. Throwing tries again with back-
   * off; `requeueAfterMs` looks again later. Must stop soon after the signal aborts, which it does at the end
   * and, for those that take it, when a time limit is over.
   */
  reconcile(key: string, signal: AbortSignal): Promise<void | { requeueAfterMs: number }>;
  readonly logger: Logger;
  /** Keys that are worked on at the same time (default 2). */
  readonly concurrency?: number;
  readonly queue?: WorkQueue;
  readonly metrics?: ControllerMetrics;
  readonly clock?: Clock;
}

/** A source of any kind, with its type kept. */
export function source<T extends ApiObject>(
  informer: Informer<T>,
  keys: (object: T, previous?: T) => readonly string[],
): Source {
  return { informer, keys } as unknown as Source;
}

/** Informers → keys → reconcile. Level-triggered: each start reconciles everything once. */
export class Controller {
  readonly queue: WorkQueue;
  private readonly running = new Set<AbortController>();
  private readonly metrics: ControllerMetrics;
  private readonly logger: Logger;
  private readonly clock: Clock;

  constructor(private readonly options: ControllerOptions) {
    this.clock = options.clock ?? systemClock;
    this.queue = options.queue ?? new WorkQueue({ clock: this.clock });
    this.metrics = options.metrics ?? noMetrics;
    this.logger = options.logger.child({ controller: options.name });
  }

  /** Works until the signal aborts and running reconciliations have ended. May be called again. */
  async run(signal: AbortSignal): Promise<void> {
    const { sources, concurrency = 2 } = this.options;
    await Promise.race([
      aborted(signal),
      Promise.all(sources.map(({ informer }) => informer.synced)),
    ]);
    const subscriptions: (() => void)[] = [];
    // In a large cluster whoever else has just started, such as the scheduler, would wait for all of them.
    for (const source of sources) {
      if (!signal.aborted) subscriptions.push(await this.subscribe(source, signal));
    }
    this.metrics.depth(this.options.name, this.queue.depth);
    // One listener for all reconciliations: adding and removing one for each costs more than most of them.
    const stop = () => this.running.forEach((limited) => limited.abort(signal.reason));
    signal.addEventListener('abort', stop, { once: true });
    await Promise.all(Array.from({ length: concurrency }, () => this.work(signal)));
    for (const unsubscribe of subscriptions) unsubscribe();
    this.queue.clear();
  }

  private subscribe(source: Source, signal: AbortSignal): Promise<() => void> {
    const enqueue = (object: ApiObject, previous?: ApiObject) => {
      for (const key of source.keys(object, previous)) this.queue.add(key);
    };
    const handler = {
      added: (object: ApiObject) => enqueue(object),
      // What an object pointed at before is concerned too: a pod may have changed its owner.
      updated: (object: ApiObject, previous: ApiObject) => {
        enqueue(object, previous);
        enqueue(previous, object);
      },
      deleted: (object: ApiObject) => enqueue(object),
    };
    return source.informer.subscribeInTurns(handler, signal);
  }

  private async work(signal: AbortSignal): Promise<void> {
    for (;;) {
      const key = await this.queue.take(signal);
      if (key === undefined) return;
      const startedMs = this.clock.now();
      const outcome = await this.attempt(key, signal);
      this.queue.done(key);
      const { name } = this.options;
      this.metrics.reconciled(name, outcome, (this.clock.now() - startedMs) / 1_000);
      this.metrics.depth(name, this.queue.depth);
    }
  }

  private async attempt(key: string, signal: AbortSignal): Promise<Outcome> {
    // Most reconcile at once and never look at their signal, which would cost more than they do.
    const limited = this.options.reconcile.length > 1 ? this.limit(key) : undefined;
    try {
      const result = await this.options.reconcile(key, limited?.signal ?? signal);
      this.queue.forget(key);
      if (!result) return 'success';
      this.queue.addAfter(key, result.requeueAfterMs);
      return 'requeue';
    } catch (error) {
      if (!signal.aborted) this.report(key, error);
      this.queue.addRateLimited(key);
      return 'error';
    } finally {
      limited?.release();
    }
  }

  /** The signal of one reconciliation; `release` leaves no timer behind. */
  private limit(key: string): { signal: AbortSignal; release: () => void } {
    const limited = new AbortController();
    this.running.add(limited);
    const cancel = this.clock.after(reconcileTimeoutMs, () =>
      limited.abort(new Error(`reconcile ${key} took more than ${reconcileTimeoutMs} ms`)),
    );
    const release = () => {
      cancel();
      this.running.delete(limited);
    };
    return { signal: limited.signal, release };
  }

  /** A lost race is everyday life; the rest is worth a line. */
  private report(key: string, error: unknown): void {
    const level = isReason(error, 'Conflict') ? 'debug' : 'warn';
    this.logger[level]({ key, err: error }, `reconcile ${key}: ${describeError(error)}`);
  }
}
