import type { Pod } from '@gantry/api';
import { Backoff, describeError, timestamp } from '@gantry/base';
import { VolumeError } from '../volumes/volume-error.js';
import type { NodeContext } from './node-context.js';
import { wholePod } from './plan.js';
import { maxRestartDelayMs } from './restart.js';
import { StartFailure } from './start-failure.js';

/** How long ErrImagePull is shown before it becomes ImagePullBackOff, in milliseconds. */
const errorShownMs = 1500;

/** Delays of operations on the pod as a whole (volumes, network), in milliseconds. */
const podRetry = { baseMs: 1000, maxMs: 60_000 };

interface Failure {
  readonly backoff: Backoff;
  readonly retryAtMs: number;
  readonly waiting?: { readonly reason: string; readonly message: string };
  readonly cancel: () => void;
}

/** What failed, what is shown for it, and when it may be tried again. */
export class Retries {
  private readonly failures = new Map<string, Failure>();

  constructor(
    private readonly context: NodeContext,
    private readonly wake: () => void,
  ) {}

  get retryAtMs(): Map<string, number> {
    return new Map([...this.failures].map(([key, failure]) => [key, failure.retryAtMs]));
  }

  get waiting(): Map<string, { reason: string; message: string }> {
    const shown = [...this.failures].filter(([, failure]) => failure.waiting);
    return new Map(shown.map(([key, failure]) => [key, failure.waiting!]));
  }

  succeeded(key: string): void {
    this.failures.get(key)?.cancel();
    this.failures.delete(key);
  }

  /** Everything may be tried again at once. */
  clear(): void {
    for (const [key, failure] of this.failures)
      this.failures.set(key, { ...failure, retryAtMs: 0 });
  }

  failed(pod: Pod, key: string, error: unknown): void {
    const before = this.failures.get(key);
    before?.cancel();
    const containerRetry = {
      baseMs: this.context.config.restartBackoffMs,
      maxMs: maxRestartDelayMs,
    };
    const backoff = before?.backoff ?? new Backoff(key === wholePod ? podRetry : containerRetry);
    const retryAtMs = this.context.clock.now() + backoff.next();
    const waiting = error instanceof StartFailure ? this.shown(error) : undefined;
    const cancel = this.becomesBackOff(pod, key, error, retryAtMs);
    this.failures.set(key, { backoff, retryAtMs, waiting, cancel });
    if (key === wholePod) this.podEvent(pod, error);
  }

  private shown(error: StartFailure): { reason: string; message: string } {
    return { reason: error.reason, message: error.message };
  }

  private becomesBackOff(pod: Pod, key: string, error: unknown, retryAtMs: number): () => void {
    const isPull = error instanceof StartFailure && error.reason === 'ErrImagePull';
    if (!isPull) return () => {};
    return this.context.clock.after(errorShownMs, () => {
      const failure = this.failures.get(key);
      if (!failure) return;
      const all = [...(pod.spec.initContainers ?? []), ...pod.spec.containers];
      const image = all.find((one) => one.name === key)?.image ?? key;
      const next = `next try at ${timestamp(retryAtMs)}`;
      const message = `Back-off pulling image "${image}", ${next}: ${error.message}`;
      this.failures.set(key, { ...failure, waiting: { reason: 'ImagePullBackOff', message } });
      this.context.events.emit(pod, {
        type: 'Normal',
        reason: 'BackOff',
        message: `Back-off pulling image "${image}"`,
        container: key,
      });
      this.wake();
    });
  }

  private podEvent(pod: Pod, error: unknown): void {
    const reason = error instanceof VolumeError ? 'FailedMount' : 'FailedCreatePodSandBox';
    this.context.events.emit(pod, { type: 'Warning', reason, message: describeError(error) });
  }
}
