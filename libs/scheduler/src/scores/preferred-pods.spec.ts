import { expect, test } from 'vitest';
import { pod, snapshotOf } from '../fixtures.js';
import { Scheduler } from '../scheduler.js';

const zones = ['a', 'b'].map((zone) => ({ name: zone, labels: { zone } }));
const web = (name: string, nodeName: string) => ({ name, labels: { app: 'web' }, nodeName });
const preferred = (sort: 'podAffinity' | 'podAntiAffinity') => ({
  affinity: {
    [sort]: {
      preferredDuringSchedulingIgnoredDuringExecution: [
        {
          weight: 100,
          podAffinityTerm: { labelSelector: { matchLabels: { app: 'web' } }, topologyKey: 'zone' },
        },
      ],
    },
  },
});

/** Both zones have such pods, b more of them. */
const snapshot = () => snapshotOf(zones, [web('1', 'a'), web('2', 'b'), web('3', 'b')]);

test.each([
  ['affinity goes where there are more such pods', 'podAffinity', 'b'],
  ['anti-affinity goes where there are fewer', 'podAntiAffinity', 'a'],
] as const)('%s', (_title, sort, node) => {
  const scheduler = new Scheduler(snapshot());
  expect(scheduler.schedule(pod({ name: 'p', ...preferred(sort) })).node).toBe(node);
});
