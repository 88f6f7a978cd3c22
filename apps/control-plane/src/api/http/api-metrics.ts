import { Counter, Gauge, Histogram, type Registry } from 'prom-client';
import type { WatchCaches } from '../watch/watch-caches.js';

/** What is measured of one request; empty parts are those it does not have. */
export interface RequestLabels {
  readonly verb: string;
  readonly group: string;
  readonly version: string;
  readonly resource: string;
  readonly subresource: string;
  readonly scope: '' | 'cluster' | 'namespace' | 'resource';
}

const labelNames = ['verb', 'group', 'version', 'resource', 'subresource', 'scope'] as const;

/** Latencies and counts of the API under the names that dashboards for Kubernetes know. */
export class ApiMetrics {
  private readonly durations: Histogram;
  private readonly requests: Counter;

  constructor(registry: Registry, caches: WatchCaches) {
    const registers = [registry];
    this.durations = new Histogram({
      name: 'apiserver_request_duration_seconds',
      help: 'Time to answer by verb and resource; watches and other long answers are not counted.',
      labelNames,
      buckets: [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10],
      registers,
    });
    this.requests = new Counter({
      name: 'apiserver_request_total',
      help: 'Requests by verb, resource and HTTP code.',
      labelNames: [...labelNames, 'code'],
      registers,
    });
    const watchers = new Gauge({
      name: 'apiserver_registered_watchers',
      help: 'Clients that watch, by kind.',
      labelNames: ['kind'],
      registers,
      collect() {
        for (const { kind, count } of caches.watchers()) watchers.set({ kind }, count);
      },
    });
  }

  /** `seconds` undefined: the answer was a stream, whose length says nothing. */
  observe(labels: RequestLabels, code: number, seconds: number | undefined): void {
    this.requests.inc({ ...labels, code: String(code) });
    if (seconds !== undefined) this.durations.observe({ ...labels }, seconds);
  }
}
