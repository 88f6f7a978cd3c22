import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { node, pod, snapshotOf } from '../fixtures.js';
import { profiles } from '../profile.js';
import { Scheduler } from '../scheduler.js';
import { Snapshot, uidOf } from '../snapshot.js';
import { placeTogether } from './place-together.js';
import { preemptTogether } from './preempt-together.js';

const profile = profiles['bin-pack'];
const everybody = (snapshot: Snapshot) => (name: string) =>
  new Map(
    snapshot
      .podsOn(snapshot.nodes.slot(name)!)
      .map(({ uid }) => [uid, { startMs: 0, isEnding: false }]),
  );

function gangOf(snapshot: Snapshot, size: number, cpu: string, priority: number) {
  return Array.from({ length: size }, (_, i) => {
    const member = pod({ name: `g-${i}`, requests: { cpu }, priority });
    return { uid: uidOf(member), handle: snapshot.handle(member) };
  });
}

const placed = (name: string, nodeName: string, cpu: string, priority = 0, labels = {}) => ({
  name,
  nodeName,
  requests: { cpu },
  priority,
  labels,
});

test('room is cleared for all members or for none', () => {
  const snapshot = snapshotOf(
    [{ name: 'a' }, { name: 'b' }],
    [placed('low', 'a', '4'), placed('high', 'b', '4', 20)],
  );
  const scheduler = new Scheduler(snapshot, profile);
  const options = { tenants: everybody(snapshot), budgets: [] };
  expect(preemptTogether(scheduler, gangOf(snapshot, 3, '2', 10), 3, options)).toBeUndefined();
  const found = preemptTogether(scheduler, gangOf(snapshot, 2, '2', 10), 2, options);
  expect(found?.nodes).toEqual(['a', 'a']);
  expect(found?.victims.map(({ uid, node: at }) => [uid, at])).toEqual([['uid-default-low', 'a']]);
  expect(snapshot.podCount).toBe(2);
});

test('nobody goes for members beyond those that are required', () => {
  const snapshot = snapshotOf(
    [{ name: 'a' }, { name: 'b' }],
    [placed('one', 'a', '4'), placed('two', 'b', '4')],
  );
  const options = { tenants: everybody(snapshot), budgets: [] };
  const gang = gangOf(snapshot, 2, '4', 10);
  const found = preemptTogether(new Scheduler(snapshot, profile), gang, 1, options);
  expect(found?.victims).toHaveLength(1);
  expect(found?.nodes.filter((at) => at === undefined)).toHaveLength(1);
});

test('a budget counts over all members', () => {
  const web = { app: 'web' };
  const snapshot = snapshotOf(
    ['a', 'b', 'c'].map((name) => ({ name })),
    [
      placed('web-1', 'a', '4', 0, web),
      placed('web-2', 'b', '4', 0, web),
      placed('other', 'c', '4', 5),
    ],
  );
  const budgets = [{ namespace: 'default', selector: { matchLabels: web }, allowed: 1 }];
  const options = { tenants: everybody(snapshot), budgets };
  const gang = gangOf(snapshot, 2, '4', 10);
  const found = preemptTogether(new Scheduler(snapshot, profile), gang, 2, options);
  expect(found?.violations).toBe(0);
  expect(found?.victims.map(({ uid }) => uid).sort()).toEqual([
    'uid-default-other',
    'uid-default-web-1',
  ]);
});

const cases = fc.record({
  cpus: fc.array(fc.constantFrom(2, 4, 8), { minLength: 1, maxLength: 4 }),
  pods: fc.array(
    fc.record({
      at: fc.nat(3),
      cpu: fc.constantFrom(1, 2, 3),
      priority: fc.constantFrom(0, 5, 20),
    }),
    { maxLength: 16 },
  ),
  size: fc.integer({ min: 1, max: 5 }),
  cpu: fc.constantFrom(1, 2, 4),
  spareMembers: fc.nat(2),
});

test('victims go for the whole gang or not at all, are less important, and none in vain', () => {
  let found = 0;
  fc.assert(
    fc.property(cases, ({ cpus, pods, size, cpu, spareMembers }) => {
      const snapshot = new Snapshot();
      cpus.forEach((offer, i) => snapshot.setNode(node({ name: `n${i}`, offers: { cpu: offer } })));
      const scheduler = new Scheduler(snapshot, profile);
      pods.forEach(({ at, cpu: amount, priority }, i) => {
        const each = pod({ name: `${i}`, requests: { cpu: amount }, priority });
        if (scheduler.decideFor(snapshot.handle(each), `n${at}`)) snapshot.assume(each, `n${at}`);
      });
      const gang = gangOf(snapshot, size, `${cpu}`, 10);
      const required = Math.max(1, size - spareMembers);
      const free = () => cpus.map((_, slot) => snapshot.nodes.resources.free(0, slot)).join();
      const before = free();
      const options = { tenants: everybody(snapshot), budgets: [] };
      const outcome = preemptTogether(scheduler, gang, required, options);
      expect(free()).toBe(before);
      const could = cpus.reduce((sum, offer, i) => {
        const kept = snapshot.podsOn(i).filter(({ podClass }) => podClass.priority >= 10);
        const held = kept.reduce((total, { podClass }) => total + podClass.ask.amounts[0]!, 0);
        return sum + Math.floor((offer * 1_000 - held) / (cpu * 1_000));
      }, 0);
      const isLow = snapshot.lowestPriority < 10;
      expect(outcome !== undefined).toBe(isLow && could >= required);
      if (!outcome) return;
      found++;
      for (const { priority } of outcome.victims) expect(priority).toBeLessThan(10);
      for (const { uid } of outcome.victims) snapshot.removePod(uid);
      const preferring = gang.map((member, i) => ({ ...member, preferred: outcome.nodes[i] }));
      expect(placeTogether(scheduler, preferring, required).placed).toBeGreaterThanOrEqual(
        required,
      );
      // With any one of them back on its node, what was found no longer holds.
      for (const victim of outcome.victims) {
        expect(scheduler.decideFor(victim.handle, victim.node)).toBeUndefined();
      }
    }),
    { numRuns: 300 },
  );
  expect(found).toBeGreaterThan(30);
});
