import { expect, test } from 'vitest';
import type { Clock } from '@gantry/base';
import type { Container } from '@gantry/api';
import { Prober } from './prober.js';

/** Time that passes only when everything waits for it. */
class StepClock implements Clock {
  private timeMs = 0;
  private readonly timers: { atMs: number; callback: () => void }[] = [];

  now(): number {
    return this.timeMs;
  }

  after(delayMs: number, callback: () => void): () => void {
    const timer = { atMs: this.timeMs + delayMs, callback };
    this.timers.push(timer);
    return () => void this.timers.splice(this.timers.indexOf(timer), 1);
  }

  async runUntil(endMs: number): Promise<void> {
    for (;;) {
      for (let turn = 0; turn < 20; turn += 1) await Promise.resolve();
      const next = this.timers.toSorted((a, b) => a.atMs - b.atMs)[0];
      if (!next || next.atMs > endMs) break;
      this.timers.splice(this.timers.indexOf(next), 1);
      this.timeMs = Math.max(this.timeMs, next.atMs);
      next.callback();
    }
    this.timeMs = endMs;
  }
}

async function observe(
  container: Partial<Container>,
  answers: Record<string, boolean[]>,
  endMs: number,
) {
  const clock = new StepClock();
  const seen: string[] = [];
  const note = (what: string) => void seen.push(`${clock.now()} ${what}`);
  const prober = new Prober(
    { name: 'a', ...container },
    {
      clock,
      started: false,
      startedAtMs: 0,
      run: async (probe) => {
        const queue = answers[probe.exec!.command![0]!]!;
        return { ok: queue.length > 1 ? queue.shift()! : queue[0]!, output: 'output' };
      },
      listener: {
        onStarted: () => note('started'),
        onReady: (ready) => note(ready ? 'ready' : 'unready'),
        onUnhealthy: (kind) => note(`${kind} unhealthy`),
        onFailure: () => {},
      },
    },
  );
  prober.start();
  await clock.runUntil(endMs);
  prober.stop();
  return seen;
}

const probe = (name: string, extra: object = {}) => ({
  exec: { command: [name] },
  periodSeconds: 1,
  failureThreshold: 2,
  ...extra,
});

test('without probes a container is started and ready at once', async () => {
  expect(await observe({}, {}, 1000)).toEqual(['0 started', '0 ready']);
});

test('startup holds the others back, and readiness follows its thresholds both ways', async () => {
  const container = {
    startupProbe: probe('startup', { initialDelaySeconds: 2 }),
    readinessProbe: probe('ready', { successThreshold: 2 }),
  };
  const answers = { startup: [false, true], ready: [true, true, false, false] };
  const seen = await observe(container, answers, 8000);
  expect(seen.slice(0, 3)).toEqual(['3000 started', '4000 ready', '6000 unready']);
});

test('liveness gives up after its threshold, once', async () => {
  const answers = { live: [true, false, true, false] };
  const seen = await observe({ livenessProbe: probe('live') }, answers, 10_000);
  expect(seen).toEqual(['0 started', '0 ready', '4000 Liveness unhealthy']);
});

test('a container that never starts is given up by its startup probe', async () => {
  const seen = await observe({ startupProbe: probe('startup') }, { startup: [false] }, 10_000);
  expect(seen).toEqual(['1000 Startup unhealthy']);
});
