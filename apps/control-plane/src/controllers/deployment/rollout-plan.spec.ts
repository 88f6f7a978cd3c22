import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { proportionalResize, recreateStep, rollingStep, type SetSize } from './rollout-plan.js';

const set = (name: string, replicas: number, available = replicas): SetSize => ({
  name,
  replicas,
  present: replicas,
  available,
  settled: true,
});
const bounds = (desired: number, maxSurge: number, maxUnavailable: number) => ({
  desired,
  maxSurge,
  maxUnavailable,
});

test.each([
  ['grows by the surge first', bounds(10, 3, 2), set('new', 0), [set('old', 10)], { new: 3 }],
  [
    'then shrinks by what may be missing',
    bounds(10, 3, 2),
    set('new', 3, 0),
    [set('old', 10)],
    { old: 8 },
  ],
  ['waits while nothing may be missing', bounds(3, 1, 0), set('new', 1, 0), [set('old', 3)], {}],
  [
    'goes on once the new pod is available',
    bounds(3, 1, 0),
    set('new', 1),
    [set('old', 3)],
    { old: 2 },
  ],
  [
    'takes unhealthy old pods first',
    bounds(4, 0, 1),
    set('new', 0),
    [set('a', 2, 0), set('b', 2)],
    { a: 1 },
  ],
  [
    'takes the oldest set first',
    bounds(4, 4, 0),
    set('new', 4),
    [set('a', 2), set('b', 2)],
    { a: 0, b: 0 },
  ],
  ['brings a too large new set down', bounds(2, 1, 0), set('new', 5), [], { new: 2 }],
  [
    'does not trust a report of pods on their way out',
    bounds(4, 1, 1),
    set('new', 1),
    [set('old', 2, 4)],
    { new: 3 },
  ],
  [
    'waits for pods that are on their way out',
    bounds(4, 1, 0),
    set('new', 0),
    [{ ...set('old', 4), present: 5 }],
    {},
  ],
  [
    'waits for an old set that has not heard its size',
    bounds(4, 1, 0),
    set('new', 0),
    [{ ...set('old', 4), settled: false }],
    {},
  ],
])('%s', (_title, limits, fresh, old, expected) => {
  expect(Object.fromEntries(rollingStep(limits, fresh, old))).toEqual(expected);
});

test('Recreate starts the new set only when every old pod is gone', () => {
  expect(recreateStep(3, set('new', 0), [set('old', 3)], true)).toEqual(new Map([['old', 0]]));
  expect(recreateStep(3, set('new', 0), [set('old', 0)], true)).toEqual(new Map());
  expect(recreateStep(3, set('new', 0), [set('old', 0)], false)).toEqual(new Map([['new', 3]]));
});

test('scaling in the middle of a rollout keeps the proportions', () => {
  expect(Object.fromEntries(proportionalResize(26, [set('new', 3), set('old', 10)]))).toEqual({
    new: 6,
    old: 20,
  });
  expect(Object.fromEntries(proportionalResize(6, [set('new', 3), set('old', 10)]))).toEqual({
    new: 1,
    old: 5,
  });
});

const sizes = fc.array(fc.nat(12), { minLength: 1, maxLength: 4 });

test('proportional scaling reaches the allowed number exactly and never goes below 0', () => {
  fc.assert(
    fc.property(sizes, fc.nat(40), (replicas, allowed) => {
      const sets = replicas.map((n, i) => set(`s${i}`, n));
      const before = replicas.reduce((a, b) => a + b, 0);
      const resize = proportionalResize(allowed, sets);
      const after = sets.map((s) => resize.get(s.name) ?? s.replicas);
      expect(Math.min(...after)).toBeGreaterThanOrEqual(0);
      expect(after.reduce((a, b) => a + b, 0)).toBe(before === 0 ? 0 : allowed);
    }),
  );
});

/** Pods come up or fail at random between the steps; the bounds must hold after each. */
test('a rollout keeps its bounds at every step, and ends when pods come up', () => {
  const shares = fc
    .tuple(fc.nat(10), fc.nat(4), fc.nat(4))
    .map(([n, surge, down]) => bounds(n, surge, Math.min(n, surge === 0 && down === 0 ? 1 : down)));
  fc.assert(
    fc.property(shares, sizes, fc.array(fc.nat(3), { maxLength: 30 }), (limits, old, luck) => {
      const room = limits.desired + limits.maxSurge;
      const sets = old.map((n, i) => ({ ...set(`old${i}`, Math.min(n, i === 0 ? room : 0)) }));
      const fresh = { ...set('new', 0) };
      const all = [fresh, ...sets];
      const minAvailable = limits.desired - limits.maxUnavailable;
      const sum = (of: 'replicas' | 'available') => all.reduce((n, s) => n + s[of], 0);
      const step = () => {
        const before = sum('available');
        for (const [name, size] of rollingStep(limits, fresh, sets)) {
          const target = all.find((s) => s.name === name)!;
          target.replicas = size;
          target.present = size;
          target.available = Math.min(target.available, size);
        }
        expect(sum('replicas')).toBeLessThanOrEqual(room);
        expect(sum('available')).toBeGreaterThanOrEqual(Math.min(before, minAvailable));
      };
      for (const dice of luck) {
        step();
        if (dice > 0) fresh.available = Math.min(fresh.replicas, fresh.available + dice);
        else fresh.available = Math.max(0, fresh.available - 1);
      }
      for (let i = 0; i < 50; i++) {
        step();
        fresh.available = fresh.replicas;
      }
      expect([fresh.replicas, ...sets.map((s) => s.replicas)]).toEqual([
        limits.desired,
        ...sets.map(() => 0),
      ]);
    }),
  );
});
