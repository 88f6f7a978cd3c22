import type { Metric, Registry } from 'prom-client';

export interface TalliedHistogramOptions {
  readonly name: string;
  readonly help: string;
  /** Upper bounds, ascending. */
  readonly buckets: readonly number[];
  readonly registry: Registry;
}

/**
 * A histogram without labels, told in Prometheus' format like any other, in which an observation is an addition or
 * two: what happens thousands of times a second should not pay for labels that it has not.
 */
export class TalliedHistogram {
  private readonly counts: number[];
  private sum = 0;
  private count = 0;

  constructor(private readonly options: TalliedHistogramOptions) {
    const { name, help, registry, buckets } = options;
    this.counts = buckets.map(() => 0);
    const get = async () => ({
      name,
      help,
      type: 'histogram',
      aggregator: 'sum',
      values: this.values(),
    });
    registry.registerMetric({ name, help, get } as unknown as Metric);
  }

  observe(value: number): void {
    const at = this.options.buckets.findIndex((bound) => value <= bound);
    if (at >= 0) this.counts[at]! += 1;
    this.sum += value;
    this.count += 1;
  }

  private values(): { metricName: string; labels: object; value: number }[] {
    const { name, buckets } = this.options;
    let below = 0;
    const cumulative = buckets.map((le, i) => ({
      metricName: `${name}_bucket`,
      labels: { le },
      value: (below += this.counts[i]!),
    }));
    return [
      ...cumulative,
      { metricName: `${name}_bucket`, labels: { le: '+Inf' }, value: this.count },
      { metricName: `${name}_sum`, labels: {}, value: this.sum },
      { metricName: `${name}_count`, labels: {}, value: this.count },
    ];
  }
}
