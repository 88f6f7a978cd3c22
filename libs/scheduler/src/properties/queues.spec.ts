import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { node, pod } from '../fixtures.js';
import { placeTogether } from '../gangs/place-together.js';
import { FairOrder, type Waiting } from '../queues/fair-order.js';
import { couldHelp, type ClusterEvent } from '../queues/hints.js';
import { NamespaceShares } from '../queues/namespace-shares.js';
import { profiles } from '../profile.js';
import { Scheduler } from '../scheduler.js';
import { Snapshot, uidOf } from '../snapshot.js';
import { lives, podArbitrary, spreadPodArbitrary, type Step } from './churn.js';
import { Life } from './life.js';

/** What the step did, as those who wait are told of it. */
function eventsOf(life: Life, step: Step, act: () => void): ClusterEvent[] {
  const { snapshot } = life;
  const before = new Map([...life.pods.keys()].map((uid) => [uid, snapshot.pod(uid)]));
  const known = step.type === 'node' && life.nodes.has(step.node.metadata.name!);
  act();
  const events: ClusterEvent[] = [];
  if (step.type === 'node') {
    events.push({ type: known ? 'node-changed' : 'node-added', node: step.node.metadata.name! });
  }
  if (step.type === 'remove-node') events.push({ type: 'node-removed' });
  for (const [uid, was] of before) {
    if (was && !snapshot.pod(uid)) events.push({ type: 'pod-left', node: was.nodeName, pod: was });
  }
  for (const uid of life.pods.keys()) {
    const is = snapshot.pod(uid);
    if (is && !before.get(uid)) events.push({ type: 'pod-placed', node: is.nodeName, pod: is });
  }
  return events;
}

test.each([
  ['plain and constrained pods', podArbitrary],
  ['pods under a hard spread', spreadPodArbitrary],
])('%s: whoever fits after an event was woken by it', (_title, pods) => {
  let [woken, slept, helped] = [0, 0, 0];
  fc.assert(
    fc.property(
      lives(40, pods),
      fc.array(pods, { minLength: 1, maxLength: 4 }),
      (steps, waiting) => {
        const life = new Life();
        const { snapshot, scheduler } = life;
        const fits = (each: (typeof waiting)[number]) =>
          scheduler.schedule(each).node !== undefined;
        for (const step of steps) {
          const refused = waiting.filter((each) => !fits(each));
          const events = eventsOf(life, step, () => life.live(step, () => undefined));
          if (step.type === 'remove-node') continue;
          for (const each of refused) {
            const handle = snapshot.handle(each);
            const wakes = events.some((e) => couldHelp(snapshot, scheduler.profile, handle, e));
            if (wakes) woken++;
            else slept++;
            if (!fits(each)) continue;
            helped++;
            expect(wakes, JSON.stringify({ step, each })).toBe(true);
          }
        }
      },
    ),
    { numRuns: 300 },
  );
  expect(helped).toBeGreaterThan(50);
  expect(slept).toBeGreaterThan(woken / 4);
});

const gangs = fc.array(
  fc.record({
    size: fc.integer({ min: 2, max: 6 }),
    cpu: fc.constantFrom(1, 2, 3),
  }),
  { minLength: 2, maxLength: 6 },
);

test('gangs that compete never hold room while they wait: one of those that fit always gets in', () => {
  let refusals = 0;
  fc.assert(
    fc.property(
      gangs,
      fc.array(fc.constantFrom(4, 8), { minLength: 1, maxLength: 4 }),
      (all, cpus) => {
        const snapshot = new Snapshot();
        cpus.forEach((cpu, i) =>
          snapshot.setNode(node({ name: `n${i}`, offers: { cpu: `${cpu}` } })),
        );
        const scheduler = new Scheduler(snapshot, profiles['bin-pack']);
        const free = () => cpus.map((_, slot) => snapshot.nodes.resources.free(0, slot)).join();
        const waiting = all.map(({ size, cpu }, g) =>
          Array.from({ length: size }, (_, i) =>
            pod({ name: `g${g}-${i}`, requests: { cpu: `${cpu}` } }),
          ),
        );
        const isPlaced = waiting.map(() => false);
        // In turns, as a queue would, until a whole turn changes nothing.
        for (let progress = true; progress;) {
          progress = false;
          for (const [g, members] of waiting.entries()) {
            if (isPlaced[g]) continue;
            const before = free();
            const handles = members.map((p) => ({ uid: uidOf(p), handle: snapshot.handle(p) }));
            const { decisions, placed } = placeTogether(scheduler, handles, members.length);
            if (placed < members.length) {
              refusals++;
              expect(free()).toBe(before);
              expect(decisions.every((decision) => decision === undefined)).toBe(true);
              continue;
            }
            isPlaced[g] = true;
            progress = true;
          }
        }
        // Whoever still waits would not fit even as the only one that asks.
        const held = waiting.flat().filter((p) => snapshot.pod(uidOf(p))).length;
        const sizes = waiting.flatMap((members, g) => (isPlaced[g] ? members : []));
        expect(held).toBe(sizes.length);
        for (const [g, members] of waiting.entries()) {
          if (isPlaced[g]) continue;
          const handles = members.map((p) => ({ uid: uidOf(p), handle: snapshot.handle(p) }));
          expect(placeTogether(scheduler, handles, members.length).placed).toBeLessThan(
            members.length,
          );
        }
      },
    ),
    { numRuns: 200 },
  );
  expect(refusals).toBeGreaterThan(100);
});

test('a gang of which more than enough are there starts with those that fit', () => {
  const snapshot = new Snapshot();
  snapshot.setNode(node({ name: 'a', offers: { cpu: '4' } }));
  const scheduler = new Scheduler(snapshot, profiles['bin-pack']);
  const members = ['1', '4', '2'].map((cpu, i) => pod({ name: `p${i}`, requests: { cpu } }));
  const handles = members.map((p) => ({ uid: uidOf(p), handle: snapshot.handle(p) }));
  const refused: number[] = [];
  const { decisions, placed } = placeTogether(scheduler, handles, 2, (i) => refused.push(i));
  expect([placed, decisions.map((d) => d?.node), refused]).toEqual([2, ['a', undefined, 'a'], [1]]);
});

interface Item extends Waiting {
  readonly id: number;
}

function world(cpus: number, weights: Record<string, number>) {
  const snapshot = new Snapshot();
  snapshot.setNode(node({ name: 'n', offers: { cpu: `${cpus}`, memory: '1Ti', pods: '100000' } }));
  const shares = new NamespaceShares(snapshot);
  for (const [name, weight] of Object.entries(weights)) shares.setWeight(name, weight);
  const order = new FairOrder<Item>(shares);
  let id = 0;
  const add = (namespace: string, cpu: number, priority = 0) => {
    const name = `p${id}`;
    const handle = snapshot.handle(pod({ name, namespace, requests: { cpu: `${cpu}` } }));
    order.add({ id: id++, namespace, priority, asks: [handle.podClass.ask] });
  };
  const place = ({ id: n, namespace, asks }: Item) => {
    const cpu = asks[0]!.amounts[0]! / 1_000;
    const placed = pod({ name: `p${n}`, namespace, requests: { cpu: `${cpu}` } });
    snapshot.assume(placed, 'n');
  };
  return { snapshot, shares, order, add, place };
}

test('one tenant with 10,000 pods does not stand before another with one', () => {
  const { order, add, place } = world(100_000, {});
  for (let i = 0; i < 10_000; i++) add('crowd', 1);
  for (const item of order.take(100)) place(item);
  add('single', 1);
  const [next] = order.take(1);
  expect(next!.namespace).toBe('single');
});

test('in any batch, tenants that all wait get equal dominant shares by weight, but for one pod each', () => {
  const cases = fc.record({
    weights: fc.record({ a: fc.constantFrom(1, 2, 4), b: fc.constantFrom(1, 3) }),
    sizes: fc.record({ a: fc.constantFrom(1, 2, 5), b: fc.constantFrom(1, 3) }),
    batch: fc.integer({ min: 1, max: 60 }),
    rounds: fc.integer({ min: 1, max: 4 }),
  });
  fc.assert(
    fc.property(cases, ({ weights, sizes, batch, rounds }) => {
      const { order, add, place, shares } = world(10_000, weights);
      for (let i = 0; i < 300; i++) {
        add('a', sizes.a);
        add('b', sizes.b);
      }
      for (let round = 0; round < rounds; round++) {
        for (const item of order.take(batch)) place(item);
        shares.refresh();
        const largest = Math.max(sizes.a / weights.a, sizes.b / weights.b) / 10_000;
        const gap = Math.abs(shares.share('a') - shares.share('b'));
        expect(gap).toBeLessThanOrEqual(largest + 1e-9);
      }
    }),
    { numRuns: 200 },
  );
});

test('priority comes before fairness, and arrival decides within a namespace', () => {
  const { order, add } = world(100, {});
  add('a', 1);
  add('a', 1);
  add('a', 1, 5);
  add('b', 1);
  expect(order.take(10).map(({ id }) => id)).toEqual([2, 3, 0, 1]);
  expect(order.size).toBe(0);
});

test('what pods take is given back to their namespace when they go', () => {
  fc.assert(
    fc.property(lives(60), (steps) => {
      const life = new Life();
      const shares = new NamespaceShares(life.snapshot);
      for (const step of steps) life.live(step, () => undefined);
      for (const uid of life.pods.keys()) life.snapshot.removePod(uid);
      shares.refresh();
      for (const namespace of ['default', 'other']) expect(shares.share(namespace)).toBe(0);
    }),
    { numRuns: 100 },
  );
});
