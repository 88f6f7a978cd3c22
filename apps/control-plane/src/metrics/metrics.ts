import type { ControllerMetrics } from '@gantry/controller';
import { collectDefaultMetrics, Counter, Gauge, Histogram, Registry } from 'prom-client';

const latencySeconds = [0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 5, 30];

/** A registry with the process's own metrics in it. */
export function createRegistry(): Registry {
  const register = new Registry();
  collectDefaultMetrics({ register });
  return register;
}

/** What is told in Prometheus' text format beside the registry, by threads that have registries of their own. */
export class MetricSources {
  private readonly sources = new Set<() => Promise<string>>();

  /** The returned function ends it. */
  add(source: () => Promise<string>): () => void {
    this.sources.add(source);
    return () => this.sources.delete(source);
  }

  /** A source that does not answer is left out. */
  async text(): Promise<string> {
    const texts = [...this.sources].map((source) => source().catch(() => ''));
    return (await Promise.all(texts)).join('');
  }
}

/** Queues and reconciliations of all controllers, by controller. */
export function controllerMetrics(registry: Registry): ControllerMetrics {
  const registers = [registry];
  const labelNames = ['controller'];
  const depth = new Gauge({
    name: 'gantry_workqueue_depth',
    help: 'Keys that wait to be reconciled.',
    labelNames,
    registers,
  });
  const duration = new Histogram({
    name: 'gantry_reconcile_duration_seconds',
    help: 'How long one reconciliation took.',
    labelNames,
    buckets: latencySeconds,
    registers,
  });
  const total = new Counter({
    name: 'gantry_reconcile_total',
    help: 'Reconciliations by outcome.',
    labelNames: ['controller', 'outcome'],
    registers,
  });
  return {
    depth: (controller, keys) => depth.set({ controller }, keys),
    reconciled(controller, outcome, seconds) {
      duration.observe({ controller }, seconds);
      total.inc({ controller, outcome });
    },
  };
}

/** Whether this control plane leads, asked at each scrape. */
export function leadershipMetric(registry: Registry, leading: () => boolean): void {
  const gauge: Gauge = new Gauge({
    name: 'gantry_leader',
    help: '1 while this control plane leads, else 0.',
    registers: [registry],
    collect: (): void => gauge.set(leading() ? 1 : 0),
  });
}
