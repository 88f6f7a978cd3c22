import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { node, pod, snapshotOf, type PodFixture } from '../fixtures.js';
import { profiles } from '../profile.js';
import { Snapshot } from '../snapshot.js';
import { planRebalancing, type RebalanceOptions } from './plan.js';

const profile = profiles['bin-pack'];
const options: RebalanceOptions = { maxMoves: 10, budgets: [], sortOf: () => 'movable' };
const on = (nodeName: string, name: string, more: Partial<PodFixture> = {}): PodFixture => ({
  name,
  nodeName,
  requests: { cpu: '1' },
  ...more,
});
const three = ['a', 'b', 'c'].map((name) => ({ name }));

/** a holds three pods, b one and c two; each has room for four. */
const scattered = (more: Partial<PodFixture> = {}) =>
  snapshotOf(three, [
    ...['1', '2', '3'].map((name) => on('a', name)),
    on('b', '4', more),
    ...['5', '6'].map((name) => on('c', name)),
  ]);

test('frees the node with the fewest pods, and no more than there is room for', () => {
  const plan = planRebalancing(scattered(), profile, options);
  expect(plan).toEqual({
    moves: [{ uid: 'uid-default-4', from: 'b', to: 'a' }],
    freed: ['b'],
  });
});

test('frees nothing without moves, with pods that are fixed, or against a budget', () => {
  const nothing = { moves: [], freed: [] };
  expect(planRebalancing(scattered(), profile, { ...options, maxMoves: 0 })).toEqual(nothing);
  const sortOf = () => 'fixed' as const;
  expect(planRebalancing(scattered(), profile, { ...options, sortOf })).toEqual(nothing);
  const budgets = [{ namespace: 'default', selector: {}, allowed: 0 }];
  expect(planRebalancing(scattered(), profile, { ...options, budgets })).toEqual(nothing);
});

test('a pod that comes with every node keeps none in use', () => {
  const snapshot = scattered();
  snapshot.setPod(pod(on('b', 'daemon', { labels: { sort: 'daemon' } })));
  const sortOf: RebalanceOptions['sortOf'] = ({ uid }) =>
    uid.endsWith('daemon') ? 'with-node' : 'movable';
  expect(planRebalancing(snapshot, profile, { ...options, sortOf }).freed).toEqual(['b']);
});

test('what keeps a pod off a node when it is placed keeps it off when it is moved', () => {
  const snapshot = scattered({ nodeSelector: { disk: 'ssd' } });
  expect(planRebalancing(snapshot, profile, { ...options, maxMoves: 1 }).moves).toEqual([]);
});

const sizes = [1, 2, 3, 5];
const life = fc.record({
  pods: fc.array(fc.record({ node: fc.nat(7), size: fc.constantFrom(...sizes), app: fc.nat(2) }), {
    maxLength: 40,
  }),
  maxMoves: fc.nat(12),
  allowed: fc.nat(4),
});

test('a plan can be carried out move by move, within budgets, and empties what it says', () => {
  fc.assert(
    fc.property(life, ({ pods, maxMoves, allowed }) => {
      const snapshot = new Snapshot();
      const free = new Map<string, number>();
      for (let i = 0; i < 8; i++) {
        snapshot.setNode(node({ name: `n${i}`, offers: { cpu: 8 } }));
        free.set(`n${i}`, 8);
      }
      const known = new Map<string, { node: string; size: number; app: number }>();
      pods.forEach(({ node: at, size, app }, i) => {
        if (free.get(`n${at}`)! < size) return;
        free.set(`n${at}`, free.get(`n${at}`)! - size);
        known.set(`uid-default-${i}`, { node: `n${at}`, size, app });
        const labels = { app: `${app}` };
        snapshot.setPod(bound(`n${at}`, `${i}`, size, labels));
      });
      const before = JSON.stringify([...snapshot.nodes].map((slot) => homes(snapshot, slot)));
      const budgets = [{ namespace: 'default', selector: { matchLabels: { app: '0' } }, allowed }];
      const { moves, freed } = planRebalancing(snapshot, profile, {
        ...options,
        maxMoves,
        budgets,
      });
      expect(JSON.stringify([...snapshot.nodes].map((slot) => homes(snapshot, slot)))).toBe(before);
      expect(moves.length).toBeLessThanOrEqual(maxMoves);
      expect(new Set(moves.map(({ uid }) => uid)).size).toBe(moves.length);
      const budgeted = moves.filter(({ uid }) => known.get(uid)!.app === 0);
      expect(budgeted.length).toBeLessThanOrEqual(allowed);
      for (const { uid, from, to } of moves) {
        const { size, ...rest } = known.get(uid)!;
        expect(rest.node).toBe(from);
        free.set(to, free.get(to)! - size);
        free.set(from, free.get(from)! + size);
        expect(free.get(to)).toBeGreaterThanOrEqual(0);
        known.set(uid, { ...rest, size, node: to });
      }
      for (const name of freed) expect(free.get(name)).toBe(8);
    }),
    { numRuns: 200 },
  );
});

function bound(nodeName: string, name: string, cpu: number, labels: Record<string, string>) {
  return pod({ name, nodeName, labels, requests: { cpu } });
}

function homes(snapshot: Snapshot, slot: number) {
  const pods = snapshot.podsOn(slot).map(({ uid, assumed }) => `${uid} ${assumed}`);
  return [pods.sort(), snapshot.nodes.resources.free(0, slot)];
}
