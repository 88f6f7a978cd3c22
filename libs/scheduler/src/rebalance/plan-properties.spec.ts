import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { node, pod } from '../fixtures.js';
import type { PodInput } from '../input.js';
import { profiles } from '../profile.js';
import { Scheduler } from '../scheduler.js';
import { Snapshot, uidOf } from '../snapshot.js';
import type { Move } from './moves.js';
import { planRebalancing } from './plan.js';

const profile = profiles['bin-pack'];
const nodes = 8;
const sizes = [1, 2, 3, 5];
const appsOf = (app: number) => ({ app: `${app}` });

const life = fc.record({
  pods: fc.array(
    fc.record({
      node: fc.nat(nodes - 1),
      cpu: fc.constantFrom(...sizes),
      memory: fc.constantFrom(...sizes),
      app: fc.nat(2),
      apart: fc.boolean(),
      isFixed: fc.integer({ min: 0, max: 9 }).map((draw) => draw === 0),
    }),
    { maxLength: 60 },
  ),
  pending: fc.array(
    fc.record({ cpu: fc.constantFrom(...sizes), memory: fc.constantFrom(...sizes) }),
    { maxLength: 4 },
  ),
  maxMoves: fc.nat(12),
  allowed: fc.nat(4),
});
type Life = typeof life extends fc.Arbitrary<infer T> ? T : never;

/** Pods of an app may want to be one to a host. */
const oneToHost = (app: number) => ({
  podAntiAffinity: {
    requiredDuringSchedulingIgnoredDuringExecution: [
      { topologyKey: 'host', labelSelector: { matchLabels: appsOf(app) } },
    ],
  },
});

/** The nodes, with those pods of the life that the scheduler itself lets onto theirs. */
function clusterOf({ pods }: Life) {
  const snapshot = new Snapshot();
  for (let i = 0; i < nodes; i++) {
    const offers = { cpu: 8, memory: 8 };
    snapshot.setNode(node({ name: `n${i}`, offers, labels: { host: `n${i}` } }));
  }
  const scheduler = new Scheduler(snapshot, profile);
  const placed = new Map<string, { input: PodInput; app: number; isFixed: boolean }>();
  pods.forEach(({ node: at, cpu, memory, app, apart, isFixed }, i) => {
    const input = pod({
      name: `${i}`,
      labels: appsOf(app),
      requests: { cpu, memory },
      ...(apart && app === 0 ? { affinity: oneToHost(app) } : {}),
    });
    if (!scheduler.decideFor(snapshot.handle(input), `n${at}`)) return;
    const bound = { ...input, spec: { ...input.spec, nodeName: `n${at}` } };
    snapshot.setPod(bound);
    placed.set(uidOf(bound), { input: bound, app, isFixed });
  });
  return { snapshot, scheduler, placed };
}

const asked = (i: number, { cpu, memory }: { cpu: number; memory: number }) =>
  pod({ name: `pending-${i}`, requests: { cpu, memory } });

function homes(snapshot: Snapshot) {
  return [...snapshot.nodes].map((slot) => [
    snapshot
      .podsOn(slot)
      .map(({ uid, assumed }) => `${uid} ${assumed}`)
      .sort(),
    [0, 1, 2, 3].map((column) => snapshot.nodes.resources.free(column, slot)),
  ]);
}

function planOf(asks: Life) {
  const { pending, maxMoves, allowed } = asks;
  const cluster = clusterOf(asks);
  const { snapshot, placed } = cluster;
  const budgets = [{ namespace: 'default', selector: { matchLabels: appsOf(1) }, allowed }];
  const before = JSON.stringify(homes(snapshot));
  const plan = planRebalancing(snapshot, profile, {
    maxMoves,
    budgets,
    sortOf: ({ uid }) => (placed.get(uid)!.isFixed ? 'fixed' : 'movable'),
    pending: pending.map((each, i) => snapshot.handle(asked(i, each))),
  });
  expect(JSON.stringify(homes(snapshot))).toBe(before);
  return { ...cluster, plan };
}

test('a plan keeps its budgets: moves, disruptions, pods that are fixed, and each pod once', () => {
  fc.assert(
    fc.property(life, (asks) => {
      const { plan, placed } = planOf(asks);
      const { moves } = plan;
      expect(moves.length).toBeLessThanOrEqual(asks.maxMoves);
      expect(new Set(moves.map(({ uid }) => uid)).size).toBe(moves.length);
      const counted = moves.filter(({ uid }) => placed.get(uid)!.app === 1);
      expect(counted.length).toBeLessThanOrEqual(asks.allowed);
      expect(moves.some(({ uid }) => placed.get(uid)!.isFixed)).toBe(false);
    }),
    { numRuns: 300 },
  );
});

/** Every move when its turn comes, as a cluster does; of two that change places the first has ended before. */
function carryOut(moves: readonly Move[], cluster: ReturnType<typeof clusterOf>): void {
  const { snapshot } = cluster;
  let first: Move | undefined;
  for (const move of moves) {
    expect(snapshot.pod(move.uid)?.nodeName).toBe(move.from);
    if (move.exchangeWith === undefined) {
      arrive(move, cluster);
      snapshot.removePod(move.uid);
      expectNoOvercommit(snapshot);
      if (first) arrive(first, cluster);
      first = undefined;
    } else {
      expect(first).toBeUndefined();
      first = move;
      snapshot.removePod(move.uid);
    }
    expectNoOvercommit(snapshot);
  }
  expect(first).toBeUndefined();
}

function arrive({ uid, to }: Move, cluster: ReturnType<typeof clusterOf>): void {
  const { snapshot, scheduler, placed } = cluster;
  const { input } = placed.get(uid)!;
  const { nodeName: _, ...spec } = input.spec;
  const replacement = { metadata: { ...input.metadata, uid: `${uid}-next` }, spec };
  // The old pod still ends where it was, unless it has ended for an exchange.
  expect(scheduler.decideFor(snapshot.handle(replacement), to)?.node).toBe(to);
  snapshot.setPod({ ...replacement, spec: { ...spec, nodeName: to } });
}

function expectNoOvercommit(snapshot: Snapshot): void {
  for (const slot of snapshot.nodes) {
    for (const column of [0, 1, 2, 3]) {
      expect(snapshot.nodes.resources.free(column, slot)).toBeGreaterThanOrEqual(0);
    }
  }
}

test('carried out by the scheduler, every move fits when its turn comes, and the gain is what was said', () => {
  fc.assert(
    fc.property(life, (asks) => {
      const { snapshot, scheduler, placed, plan } = planOf(asks);
      carryOut(plan.moves, { snapshot, scheduler, placed });
      const inUse = () => [...snapshot.nodes].filter((slot) => snapshot.podsOn(slot).length > 0);
      for (const { pod: number, node: at } of plan.rooms) {
        const guest = asked(number, asks.pending[number]!);
        expect(scheduler.decideFor(snapshot.handle(guest), at)?.node).toBe(at);
        snapshot.assume(guest, at);
      }
      const { before, after, freed, rooms } = plan;
      for (const name of freed) expect(snapshot.podsOn(snapshot.nodes.slot(name)!)).toEqual([]);
      expect(after.pending).toBe(before.pending - rooms.length);
      expect(inUse().length).toBe(after.nodesInUse);
      // More nodes only for pods that fitted on an empty one as they were.
      const asTheyWere = rooms.filter(({ moves }) => moves === 0).length;
      expect(after.nodesInUse).toBeLessThanOrEqual(before.nodesInUse + asTheyWere);
    }),
    { numRuns: 300 },
  );
});

test('moves are made for a gain, and room that is there already costs none', () => {
  fc.assert(
    fc.property(life, (asks) => {
      const { scheduler, plan } = planOf(asks);
      if (plan.moves.length > 0) expect(plan.freed.length + plan.rooms.length).toBeGreaterThan(0);
      const first = asks.pending[0];
      if (!first || scheduler.schedule(asked(0, first)).node === undefined) return;
      expect(plan.rooms[0]).toMatchObject({ pod: 0, moves: 0 });
    }),
    { numRuns: 200 },
  );
});

/** Nodes so full that little fits without exchanges. */
const crowdedLife: fc.Arbitrary<Life> = fc.record({
  pods: fc.array(
    fc.record({
      node: fc.nat(nodes - 1),
      cpu: fc.constantFrom(2, 3, 5),
      memory: fc.constantFrom(1, 2, 3),
      app: fc.nat(2),
      apart: fc.boolean(),
      isFixed: fc.constant(false),
    }),
    { minLength: 40, maxLength: 80 },
  ),
  pending: fc.array(fc.record({ cpu: fc.constantFrom(2, 3), memory: fc.constantFrom(1, 2) }), {
    minLength: 1,
    maxLength: 4,
  }),
  maxMoves: fc.integer({ min: 2, max: 12 }),
  allowed: fc.integer({ min: 0, max: 8 }),
});

test('in full clusters pods change places, and every step of that fits too', () => {
  let exchanges = 0;
  fc.assert(
    fc.property(crowdedLife, (asks) => {
      const { plan, ...cluster } = planOf(asks);
      exchanges += plan.moves.filter(({ exchangeWith }) => exchangeWith !== undefined).length;
      carryOut(plan.moves, cluster);
    }),
    { numRuns: 100, seed: 7 },
  );
  expect(exchanges).toBeGreaterThan(0);
});
