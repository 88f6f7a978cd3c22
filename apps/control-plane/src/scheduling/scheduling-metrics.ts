import { Counter, Gauge, type Registry } from 'prom-client';
import { TalliedHistogram } from '../metrics/tallied-histogram.js';
import type { QueueDepths } from './scheduling-queue.js';

export type AttemptResult = 'scheduled' | 'unschedulable' | 'error';

const decisionSeconds = [1e-6, 1e-5, 1e-4, 1e-3, 1e-2, 0.1, 1];
const waitSeconds = [0.005, 0.01, 0.05, 0.1, 0.5, 1, 5, 30, 120, 600];

/** What the scheduling loop tells about itself. */
export class SchedulingMetrics {
  private readonly attempts: Counter<'result' | 'reason'>;
  private readonly depth: Gauge<'queue'>;
  private readonly decision: TalliedHistogram;
  private readonly wait: TalliedHistogram;

  constructor(registry: Registry) {
    const registers = [registry];
    this.attempts = new Counter({
      name: 'gantry_scheduling_attempts_total',
      help: 'Attempts to place a pod, by result and by the filter that refused most nodes.',
      labelNames: ['result', 'reason'],
      registers,
    });
    this.depth = new Gauge({
      name: 'gantry_scheduling_queue_depth',
      help: 'Pods that wait for a node, by queue.',
      labelNames: ['queue'],
      registers,
    });
    this.decision = new TalliedHistogram({
      name: 'gantry_scheduling_decision_seconds',
      help: 'How long one decision took, without its binding.',
      buckets: decisionSeconds,
      registry,
    });
    this.wait = new TalliedHistogram({
      name: 'gantry_scheduling_pod_seconds',
      help: 'From the creation of a pod to its binding.',
      buckets: waitSeconds,
      registry,
    });
  }

  attempted(result: AttemptResult, reason: string): void {
    this.attempts.inc({ result, reason });
  }

  decided(seconds: number): void {
    this.decision.observe(seconds);
  }

  bound(seconds: number): void {
    this.wait.observe(seconds);
  }

  depths({ active, backoff, unschedulable }: QueueDepths): void {
    this.depth.set({ queue: 'active' }, active);
    this.depth.set({ queue: 'backoff' }, backoff);
    this.depth.set({ queue: 'unschedulable' }, unschedulable);
  }
}
