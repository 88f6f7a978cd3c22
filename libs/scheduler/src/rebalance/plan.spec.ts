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

/** 3 on a, 2 and one that stays on b: each has room for one more, and neither pod for the other. */
const crowded = () =>
  snapshotOf(three.slice(0, 2), [
    on('a', 'three', { requests: { cpu: '3' } }),
    on('b', 'two', { requests: { cpu: '2' } }),
    on('b', 'stays'),
  ]);
const stays: RebalanceOptions['sortOf'] = ({ uid }) =>
  uid.endsWith('stays') ? 'fixed' : 'movable';

test('two pods change places where no gap takes either, the one that makes way first', () => {
  const snapshot = crowded();
  const pending = [snapshot.handle(pod({ name: 'large', requests: { cpu: '2' } }))];
  const plan = planRebalancing(snapshot, profile, { ...options, sortOf: stays, pending });
  const [two, three] = ['uid-default-two', 'uid-default-three'];
  expect(plan.moves).toEqual([
    { uid: two, from: 'b', to: 'a', exchangeWith: three },
    { uid: three, from: 'a', to: 'b' },
  ]);
  expect(plan.rooms).toEqual([{ pod: 0, node: 'a', moves: 2 }]);
});

test.each<[string, Partial<RebalanceOptions>, number]>([
  ['both are counted by the budget', { maxMoves: 2 }, 2],
  ['the budget allows one', { budgets: [{ namespace: 'default', selector: {}, allowed: 1 }] }, 0],
  ['one move is left', { maxMoves: 1 }, 0],
  ['one of them stays', { sortOf: ({ uid }) => (uid.endsWith('two') ? 'fixed' : 'movable') }, 0],
])('an exchange when %s', (_title, more, moves) => {
  const snapshot = crowded();
  snapshot.setPod(pod(on('b', 'stays', { requests: { cpu: '1' } })));
  const pending = [snapshot.handle(pod({ name: 'large', requests: { cpu: '2' } }))];
  const budgets = [{ namespace: 'default', selector: {}, allowed: 2 }];
  const sortOf: RebalanceOptions['sortOf'] = (one) =>
    more.sortOf && stays(one) === 'movable' ? more.sortOf(one) : stays(one);
  const asked = { ...options, budgets, ...more, sortOf, pending };
  expect(planRebalancing(snapshot, profile, asked).moves).toHaveLength(moves);
});

test('free pieces of many nodes are gathered on one', () => {
  const names = ['a', 'b', 'c', 'd'];
  const snapshot = snapshotOf(
    names.map((name) => ({ name, offers: { cpu: '8' } })),
    names.flatMap((name, i) => [
      on(name, `${name}-large`, { requests: { cpu: `${4 - (i === 0 ? 1 : 0)}` } }),
      on(name, `${name}-small`, { requests: { cpu: i === 0 ? '4' : '3' } }),
    ]),
  );
  // One cpu is free on each node.
  const pending = [snapshot.handle(pod({ name: 'large', requests: { cpu: '2' } }))];
  const plan = planRebalancing(snapshot, profile, { ...options, pending });
  expect(plan.rooms).toHaveLength(1);
  expect(plan.moves).toHaveLength(2);
  expect(plan.after.nodesInUse).toBe(4);
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
