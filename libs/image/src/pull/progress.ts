import type { LayerJob } from './layer-fetcher.js';
import type { PullPhase, PullProgress } from '../types.js';

/** How often progress is told, and over what time the rate is taken, in milliseconds. */
const intervalMs = 200;
const rateWindowMs = 5_000;

/** Sums up the layers of one pull for its listeners. */
export class ProgressMeter {
  private readonly listeners = new Set<(progress: PullProgress) => void>();
  private readonly startedAtMs = performance.now();
  private readonly samples: { atMs: number; bytes: number }[] = [];
  private timer?: NodeJS.Timeout;
  private jobs: readonly LayerJob[] = [];
  private done = new Set<LayerJob>();
  private layersPresent = 0;
  private phase: PullPhase = 'resolving';
  private waiting?: string;

  constructor(readonly reference: string) {}

  /** Tells the listener at once, then regularly; the returned function ends that. */
  listen(listener: (progress: PullProgress) => void): () => void {
    this.listeners.add(listener);
    listener(this.current());
    this.timer ??= setInterval(() => this.tell(), intervalMs).unref();
    return () => this.listeners.delete(listener);
  }

  wait(why: string | undefined): void {
    this.waiting = why;
  }

  pulling(jobs: readonly LayerJob[], layersPresent: number): void {
    this.phase = 'pulling';
    this.waiting = undefined;
    this.jobs = jobs;
    this.layersPresent = layersPresent;
  }

  layerDone(job: LayerJob): void {
    this.done.add(job);
  }

  /** The last report of a pull that succeeded; after it, and after a failure, the meter is silent. */
  finish(succeeded: boolean): void {
    clearInterval(this.timer);
    if (!succeeded) return;
    this.phase = 'done';
    this.tell();
  }

  private tell(): void {
    const progress = this.current();
    for (const listener of this.listeners) listener(progress);
  }

  private current(): PullProgress {
    const bytesDone = this.jobs.reduce((sum, job) => sum + job.bytesDone, 0);
    const bytesTotal = this.jobs.reduce((sum, job) => sum + job.layer.descriptor.size, 0);
    const bytesPerSecond = this.rate(bytesDone);
    const left = this.phase === 'pulling' && bytesPerSecond > 0;
    return {
      reference: this.reference,
      phase: this.phase,
      layersTotal: this.jobs.length + this.layersPresent,
      layersDone: this.done.size + this.layersPresent,
      layersPresent: this.layersPresent,
      bytesTotal,
      bytesDone,
      bytesPerSecond,
      ...(left && { secondsLeft: Math.ceil((bytesTotal - bytesDone) / bytesPerSecond) }),
      waiting: this.waiting ?? this.stalled(),
      elapsedMs: Math.round(performance.now() - this.startedAtMs),
    };
  }

  /** Only when nothing moves at all. */
  private stalled(): string | undefined {
    const open = this.jobs.filter((job) => !this.done.has(job));
    return open.every((job) => job.waiting !== undefined) ? open[0]?.waiting : undefined;
  }

  private rate(bytes: number): number {
    const atMs = performance.now();
    this.samples.push({ atMs, bytes });
    while (this.samples[0] && this.samples[0].atMs < atMs - rateWindowMs) this.samples.shift();
    const first = this.samples[0]!;
    const elapsedMs = atMs - first.atMs;
    return elapsedMs < intervalMs / 2 ? 0 : Math.round(((bytes - first.bytes) * 1000) / elapsedMs);
  }
}
