import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { node, pod, snapshotOf } from '../fixtures.js';
import { profiles, type ProfileName } from '../profile.js';
import { Scheduler } from '../scheduler.js';
import { Snapshot } from '../snapshot.js';
import { devicesAnnotation, parseHoldings } from './holdings.js';

const gpu = 'example.com/gpu';
const share = `${gpu}-milli`;
const shared = (devices: number) => ({ [gpu]: devices, [share]: devices * 1_000 });

test('shares go to the fullest device with room, whole devices to untouched ones', () => {
  const snapshot = snapshotOf([{ name: 'n', offers: shared(3) }]);
  const scheduler = new Scheduler(snapshot);
  const devicesOf = (name: string, requests: Record<string, number>) =>
    scheduler.place(pod({ name, requests })).devices;
  expect(devicesOf('a', { [share]: 400 })).toEqual({ [gpu]: [0] });
  expect(devicesOf('b', { [gpu]: 1 })).toEqual({ [gpu]: [1] });
  expect(devicesOf('c', { [share]: 700 })).toEqual({ [gpu]: [2] });
  expect(devicesOf('d', { [share]: 300 })).toEqual({ [gpu]: [2] });
  expect(devicesOf('e', { [share]: 600 })).toEqual({ [gpu]: [0] });
  expect(snapshot.pod('uid-default-e')?.devices).toEqual({ [gpu]: [0] });
  const refused = pod({ name: 'f', requests: { [share]: 50 } });
  expect(scheduler.place(refused).node).toBeUndefined();
  snapshot.removePod('uid-default-c');
  expect(devicesOf('f', { [share]: 650 })).toEqual({ [gpu]: [2] });
});

test('a pod that asks for whole devices and a share gets that one whole too', () => {
  const scheduler = new Scheduler(snapshotOf([{ name: 'n', offers: shared(2) }]));
  const asked = pod({ name: 'a', requests: { [gpu]: 1, [share]: 10 } });
  expect(scheduler.place(asked).devices).toEqual({ [gpu]: [0, 1] });
});

test('a node that does not share has room for no share, and counts whole ones as ever', () => {
  const scheduler = new Scheduler(snapshotOf([{ name: 'n', offers: { [gpu]: 2 } }]));
  expect(scheduler.place(pod({ name: 'a', requests: { [share]: 10 } })).node).toBeUndefined();
  const whole = scheduler.place(pod({ name: 'b', requests: { [gpu]: 2 } }));
  expect(whole).toMatchObject({ node: 'n', devices: undefined });
});

test('the annotation of a bound pod says which devices it holds, in any order of arrival', () => {
  const snapshot = new Snapshot();
  const bound = pod({ name: 'a', requests: { [share]: 900 }, nodeName: 'n' });
  const annotations = { [devicesAnnotation]: JSON.stringify({ [gpu]: [1] }) };
  snapshot.setPod({ ...bound, metadata: { ...bound.metadata, annotations } });
  snapshot.setNode(node({ name: 'n', offers: shared(2) }));
  const scheduler = new Scheduler(snapshot);
  expect(scheduler.place(pod({ name: 'b', requests: { [share]: 100 } })).devices).toEqual({
    [gpu]: [1],
  });
  snapshot.setNode(node({ name: 'n', offers: shared(3) }));
  expect(snapshot.pod('uid-default-a')?.devices).toEqual({ [gpu]: [1] });
  const rest = pod({ name: 'c', requests: { [gpu]: 2 } });
  expect(scheduler.place(rest).devices).toEqual({ [gpu]: [0, 2] });
});

test.each([
  ['no JSON', '{'],
  ['a list', '[1]'],
  ['a number that is none', '{"a/b":["1"]}'],
  ['a device below 0', '{"a/b":[-1]}'],
  ['one device twice', '{"a/b":[1,1]}'],
  ['a resource without a domain', '{"cpu":[1]}'],
  ['more than anybody writes', `{"a/b":[${'1,'.repeat(9_000)}2]}`],
])('an annotation with %s is not believed', (_title, annotation) => {
  expect(parseHoldings(annotation)).toBeUndefined();
});

const asks = fc.oneof(
  fc.record({ [gpu]: fc.integer({ min: 1, max: 3 }) }),
  fc.record({ [share]: fc.constantFrom(100, 250, 470, 500, 810, 1_000) }),
  fc.constant({}),
);
const step = fc.record({
  asked: asks,
  cpu: fc.constantFrom(0, 1, 2),
  leaves: fc.boolean(),
  which: fc.nat(100),
  /** Now and then a node loses its devices or gets them back. */
  devices: fc.constantFrom(undefined, undefined, undefined, 4, 6),
});

/** Devices as plain numbers, by node: what pods were told that they hold. */
class Ledger {
  readonly taken = new Map<string, number[]>();

  add(nodeName: string, devices: readonly number[], millis: number): void {
    const taken = this.taken.get(nodeName) ?? Array<number>(8).fill(0);
    for (const device of devices) taken[device]! += millis;
    this.taken.set(nodeName, taken);
  }

  /** Whether some node with so many devices has room; cpu is left out. */
  hasRoom(counts: ReadonlyMap<string, number>, count: number, millis: number): boolean {
    return [...counts].some(([name, devices]) => {
      const taken = (this.taken.get(name) ?? []).slice(0, devices);
      while (taken.length < devices) taken.push(0);
      return taken.filter((each) => each + millis <= 1_000).length >= count;
    });
  }
}

const names: ProfileName[] = ['bin-pack', 'spread', 'balanced'];

test.each(names)('%s: no device is ever overcommitted, and none with room is refused', (name) => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 120 }), (steps) => {
      const snapshot = new Snapshot();
      const counts = new Map([
        ['a', 4],
        ['b', 6],
      ]);
      const offer = (n: string) =>
        snapshot.setNode(node({ name: n, offers: { cpu: 1_000, ...shared(counts.get(n)!) } }));
      for (const each of counts.keys()) offer(each);
      const scheduler = new Scheduler(snapshot, profiles[name]);
      const ledger = new Ledger();
      const leave: (() => void)[] = [];
      steps.forEach(({ asked, cpu, leaves, which, devices }, i) => {
        if (leaves && leave.length > 0) leave.splice(which % leave.length, 1)[0]!();
        if (devices !== undefined) {
          counts.set('b', devices);
          offer('b');
        }
        const [[resource, amount] = ['', 0]] = Object.entries(asked);
        const [count, millis] = resource === gpu ? [amount, 1_000] : [amount > 0 ? 1 : 0, amount];
        const room = ledger.hasRoom(counts, count, millis);
        const decision = scheduler.place(pod({ name: `p${i}`, requests: { cpu, ...asked } }));
        expect(decision.node !== undefined).toBe(room);
        if (decision.node === undefined) return;
        const held = decision.devices?.[gpu] ?? [];
        expect(held).toHaveLength(count);
        ledger.add(decision.node, held, millis);
        for (const taken of ledger.taken.get(decision.node)!) {
          expect(taken).toBeLessThanOrEqual(1_000);
        }
        leave.push(() => {
          snapshot.removePod(`uid-default-p${i}`);
          ledger.add(decision.node!, held, -millis);
        });
      });
    }),
    { numRuns: 60 },
  );
});
