import { expect, test } from 'vitest';
import { type GarbagePolicy, selectDoomed } from './garbage-policy.js';

const nowMs = 1_000_000_000;

/** Last used so many seconds ago, of so many bytes. */
function candidate(name: string, usedSecondsAgo: number, bytes: number, pinned = false) {
  const lastUsedAtMs = nowMs - usedSecondsAgo * 1000;
  const image = { manifestDigest: name, targetDigest: name, imageId: name };
  return { image: { ...image, pulledAtMs: lastUsedAtMs, lastUsedAtMs, pinned }, bytes };
}

const candidates = [
  candidate('new', 10, 30),
  candidate('old', 5000, 10),
  candidate('pinned', 9000, 50, true),
  candidate('middle', 1000, 20),
];

test.each<[string, GarbagePolicy, number, string[]]>([
  ['everything unused', {}, 50, ['old', 'middle', 'new']],
  ['by age', { unusedForMs: 2_000_000 }, 50, ['old']],
  ['below the threshold', { highPercent: 80, lowPercent: 60 }, 50, []],
  ['as much as is needed', { highPercent: 80, lowPercent: 75 }, 15, ['old']],
  ['least recently used first', { highPercent: 80, lowPercent: 70 }, 15, ['old', 'middle']],
  ['never what was just pulled', { highPercent: 80, lowPercent: 0 }, 15, ['old', 'middle']],
  [
    'age counts towards the threshold',
    { unusedForMs: 2_000_000, highPercent: 80, lowPercent: 75 },
    15,
    ['old'],
  ],
])('removes %s', (_, policy, freeBytes, expected) => {
  const doomed = selectDoomed(candidates, policy, { totalBytes: 100, freeBytes }, nowMs);
  expect(doomed.map(({ image }) => image.imageId)).toEqual(expected);
});
