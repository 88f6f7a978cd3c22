import { Histogram, Registry } from 'prom-client';
import { expect, test } from 'vitest';
import { TalliedHistogram } from './tallied-histogram.js';

test('tells what a histogram of prom-client tells of the same observations', async () => {
  const named = { name: 'pod_seconds', help: 'How long.', buckets: [0.001, 0.5, 2] };
  const [ours, theirs] = [new Registry(), new Registry()];
  const tallied = new TalliedHistogram({ ...named, registry: ours });
  const declared = new Histogram({ ...named, registers: [theirs] });
  for (const value of [0.0004, 0.001, 0.25, 0.25, 2, 100]) {
    tallied.observe(value);
    declared.observe(value);
  }
  expect(await ours.metrics()).toBe(await theirs.metrics());
});
