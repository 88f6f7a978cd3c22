import type { Container, Probe } from '@gantry/api';
import { delay, type Clock } from '@gantry/base';
import type { Outcome } from './check.js';

/** What the worker hears from the probes of one attempt. */
export interface ProbeListener {
  onStarted(): void;
  onReady(ready: boolean): void;
  /** The container is to be restarted. */
  onUnhealthy(kind: 'Liveness' | 'Startup', probe: Probe, output: string): void;
  /** One probe failed; nothing follows from it yet. */
  onFailure(kind: ProbeKind, output: string): void;
}

export type ProbeKind = 'Startup' | 'Liveness' | 'Readiness';

/** Runs one probe once; bound to its container. */
export type RunCheck = (probe: Probe, signal: AbortSignal) => Promise<Outcome>;

export interface ProberOptions {
  readonly clock: Clock;
  readonly listener: ProbeListener;
  readonly run: RunCheck;
  /** The attempt passed its startup probe in an earlier life of the agent. */
  readonly started: boolean;
  /** When the container started, in milliseconds since the epoch; initial delays count from there. */
  readonly startedAtMs: number;
}

/** The probes of one attempt: startup first, then liveness and readiness side by side, until stopped. */
export class Prober {
  private readonly stopped = new AbortController();

  constructor(
    private readonly container: Container,
    private readonly options: ProberOptions,
  ) {}

  start(): void {
    // Every fault of a probe is an outcome; what ends the loops is only the stop.
    this.run().catch(() => undefined);
  }

  stop(): void {
    this.stopped.abort(new Error('probing stopped'));
  }

  private async run(): Promise<void> {
    const { startupProbe, livenessProbe, readinessProbe } = this.container;
    const { listener, started } = this.options;
    if (startupProbe && !started && !(await this.startup(startupProbe))) return;
    if (this.stopped.signal.aborted) return;
    if (!started) listener.onStarted();
    if (!readinessProbe) listener.onReady(true);
    await Promise.all([
      livenessProbe && this.liveness(livenessProbe),
      readinessProbe && this.readiness(readinessProbe),
    ]);
  }

  private async startup(probe: Probe): Promise<boolean> {
    for await (const outcome of this.outcomes('Startup', probe)) {
      if (outcome.ok) return true;
      if (outcome.inARow < (probe.failureThreshold ?? 3)) continue;
      this.options.listener.onUnhealthy('Startup', probe, outcome.output);
      return false;
    }
    return false;
  }

  private async liveness(probe: Probe): Promise<void> {
    for await (const outcome of this.outcomes('Liveness', probe)) {
      if (outcome.ok || outcome.inARow < (probe.failureThreshold ?? 3)) continue;
      this.options.listener.onUnhealthy('Liveness', probe, outcome.output);
      return;
    }
  }

  private async readiness(probe: Probe): Promise<void> {
    for await (const outcome of this.outcomes('Readiness', probe)) {
      const threshold = outcome.ok ? (probe.successThreshold ?? 1) : (probe.failureThreshold ?? 3);
      if (outcome.inARow >= threshold) this.options.listener.onReady(outcome.ok);
    }
  }

  /** One outcome a period, with how many of its like have come in a row; ends when stopped. */
  private async *outcomes(
    kind: ProbeKind,
    probe: Probe,
  ): AsyncGenerator<Outcome & { inARow: number }> {
    const { clock, startedAtMs, listener, run } = this.options;
    const { signal } = this.stopped;
    const firstMs = startedAtMs + (probe.initialDelaySeconds ?? 0) * 1000;
    await delay(clock, Math.max(0, firstMs - clock.now()), signal);
    let last: boolean | undefined;
    let inARow = 0;
    while (!signal.aborted) {
      const begunMs = clock.now();
      const outcome = await run(probe, signal);
      if (signal.aborted) return;
      inARow = outcome.ok === last ? inARow + 1 : 1;
      last = outcome.ok;
      if (!outcome.ok) listener.onFailure(kind, outcome.output);
      yield { ...outcome, inARow };
      const periodMs = (probe.periodSeconds ?? 10) * 1000;
      await delay(clock, Math.max(0, begunMs + periodMs - clock.now()), signal);
    }
  }
}
