import { expect, test } from 'vitest';
import type { Filter } from './filters/filter.js';
import { node, pod, snapshotOf } from './fixtures.js';
import { customProfile } from './profile.js';
import { Scheduler } from './scheduler.js';
import type { Score } from './scores/score.js';

const rack = (name: string, label: string) => ({ name, labels: { rack: label } });

/** A filter of one's own: racks under repair take no pods. */
const repairFilter: Filter = {
  name: 'repair',
  reads: 'node',
  labels: () => ['rack'],
  prepare({ nodes }) {
    const isOpen = (slot: number) => nodes.traits[slot]!.labels.rack !== 'broken';
    const refusal = { filter: 'repair', reason: 'repair', message: 'its rack is under repair' };
    return { fits: isOpen, refusals: (slot) => (isOpen(slot) ? [] : [refusal]) };
  },
  phrase: (refused) => `${refused.length} stand in a rack under repair`,
};

/** A score of one's own: the newest rack is best. */
const newestRackScore: Score = {
  name: 'newestRack',
  reads: 'node',
  labels: () => ['rack'],
  prepare:
    ({ nodes }) =>
    (slot) =>
      Number(nodes.traits[slot]!.labels.rack ?? 0) / 10,
};

test('filters and scores of one own decide and explain as the others do', () => {
  const profile = customProfile('bin-pack', {
    filters: [repairFilter],
    scores: [{ score: newestRackScore, weight: 5 }],
  });
  const snapshot = snapshotOf([rack('a', '1'), rack('b', 'broken'), rack('c', '7')]);
  const scheduler = new Scheduler(snapshot, profile);
  expect(scheduler.place(pod({ name: 'p' })).node).toBe('c');
  for (const name of ['a', 'c']) snapshot.setNode(node({ name, labels: { rack: 'broken' } }));
  expect(scheduler.explain(pod({ name: 'q' })).message).toContain('3 stand in a rack under repair');
});

test('weights of the configuration outweigh those of the profile', () => {
  const nodes = ['a', 'b'].map((name) => ({ name, labels: { disk: name } }));
  const asked = pod({
    name: 'p',
    affinity: {
      nodeAffinity: {
        preferredDuringSchedulingIgnoredDuringExecution: [
          {
            weight: 1,
            preference: { matchExpressions: [{ key: 'disk', operator: 'In', values: ['b'] }] },
          },
        ],
      },
    },
  });
  const chosen = (weights: Record<string, number>) => {
    const full = [{ name: 'x', nodeName: 'a', requests: { cpu: '2' } }];
    const profile = customProfile('bin-pack', { weights });
    return new Scheduler(snapshotOf(nodes, full), profile).schedule(asked).node;
  };
  expect(chosen({})).toBe('b');
  expect(chosen({ preferredNodeAffinity: 0 })).toBe('a');
  expect(chosen({ pack: 100 })).toBe('a');
});

test.each([
  [{ packs: 1 }, 'profile spread has no score packs; it has spread,'],
  [{ spread: -1 }, 'the weight of spread must be from 0 to 1000, not -1'],
  [{ spread: Number.NaN }, 'the weight of spread must be from 0 to 1000, not NaN'],
])('weights %o are refused with a sentence', (weights, message) => {
  expect(() => customProfile('spread', { weights })).toThrow(message);
});
