import { expect, test } from 'vitest';
import { pod, snapshotOf, type PodFixture } from '../fixtures.js';
import { profiles } from '../profile.js';
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
  expect(plan).toMatchObject({
    moves: [{ uid: 'uid-default-4', from: 'b', to: 'a' }],
    freed: ['b'],
    before: { nodesInUse: 3, idleCpu: 0.5 },
    after: { nodesInUse: 2, idleCpu: 0.25 },
  });
});

test('frees nothing without moves, with pods that are fixed, or against a budget, and says so', () => {
  const asked = (more: Partial<RebalanceOptions>) =>
    planRebalancing(scattered(), profile, { ...options, ...more });
  const none = { moves: [], freed: [] };
  const first = { node: 'b', pods: ['uid-default-4'] };
  expect(asked({ maxMoves: 0 })).toMatchObject({ ...none, kept: [{ ...first, reason: 'moves' }] });
  const fixed = { ...none, kept: [{ ...first, reason: 'fixed' }, {}, {}] };
  expect(asked({ sortOf: () => 'fixed' })).toMatchObject(fixed);
  const budgets = [{ namespace: 'default', selector: {}, allowed: 0 }];
  expect(asked({ budgets })).toMatchObject({ ...none, kept: [{ reason: 'budgets' }, {}, {}] });
});

test('makes room for a pod that fits nowhere by moving the smallest that is enough', () => {
  const snapshot = snapshotOf(three, [
    on('a', '1', { requests: { cpu: '2' } }),
    on('a', '2'),
    on('b', '3', { requests: { cpu: '2500m' } }),
    on('b', '4', { requests: { cpu: '500m' } }),
    on('c', '5', { requests: { cpu: '3' } }),
  ]);
  const large = snapshot.handle(pod({ name: 'large', requests: { cpu: '1500m' } }));
  const plan = planRebalancing(snapshot, profile, { ...options, maxMoves: 1, pending: [large] });
  expect(plan.moves).toEqual([{ uid: 'uid-default-4', from: 'b', to: 'a' }]);
  expect(plan.rooms).toEqual([{ pod: 0, node: 'b', moves: 1 }]);
  expect(plan).toMatchObject({ before: { pending: 1 }, after: { pending: 0 } });
  expect(snapshot.podCount).toBe(5);
});

test('several pods make way together where none is enough', () => {
  const pods = ['1', '2', '3', '4'].map((name) => on('a', name));
  const snapshot = snapshotOf(three, [
    ...pods,
    ...['b', 'c'].map((at) => on(at, `of-${at}`, { requests: { cpu: '3' } })),
  ]);
  const pending = [snapshot.handle(pod({ name: 'large', requests: { cpu: '2' } }))];
  const plan = planRebalancing(snapshot, profile, { ...options, pending });
  expect(plan.moves.map(({ from, to }) => `${from}>${to}`).sort()).toEqual(['a>b', 'a>c']);
  expect(planRebalancing(snapshot, profile, { ...options, pending, maxMoves: 1 }).moves).toEqual(
    [],
  );
});

test('a new place suits while the old one is still taken', () => {
  const alone = {
    labels: { app: 'web' },
    affinity: {
      podAntiAffinity: {
        requiredDuringSchedulingIgnoredDuringExecution: [
          { topologyKey: 'zone', labelSelector: { matchLabels: { app: 'web' } } },
        ],
      },
    },
  };
  const snapshot = snapshotOf(
    ['a', 'b'].map((name) => ({ name, labels: { zone: 'one' } })),
    [on('a', '1', alone), on('b', '2'), on('b', '3')],
  );
  // Its replacement would be refused in the zone where it still runs; the other two are free to go.
  const { moves } = planRebalancing(snapshot, profile, options);
  expect(moves.map(({ uid }) => uid)).toEqual(['uid-default-2', 'uid-default-3']);
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
