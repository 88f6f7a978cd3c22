import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { node, pod } from '../fixtures.js';
import { profiles } from '../profile.js';
import { Scheduler } from '../scheduler.js';
import { Snapshot } from '../snapshot.js';
import { peakUse, reclaimableOffer, type CpuAndMemory } from './offer.js';
import { podsToReclaim, type ReclaimablePod } from './plan.js';
import { overcommitLabel } from './reclaimable.js';

const amount = (cpuMillis: number, memoryBytes: number): CpuAndMemory => ({
  cpuMillis,
  memoryBytes,
});
const allocatable = amount(10_000, 1_000);

type Row = [
  title: string,
  used: CpuAndMemory,
  before: CpuAndMemory | undefined,
  offer: CpuAndMemory,
];

test.each<Row>([
  ['nothing used: all but the margin', amount(0, 0), undefined, amount(9_000, 900)],
  ['half used', amount(5_000, 500), undefined, amount(4_000, 400)],
  ['whole steps only, rounded down', amount(5_300, 520), undefined, amount(3_500, 350)],
  ['more used than there is to offer', amount(9_800, 990), undefined, amount(0, 0)],
  ['falls at once', amount(5_000, 500), amount(4_500, 450), amount(4_000, 400)],
  ['does not rise by one step', amount(5_000, 500), amount(3_500, 350), amount(3_500, 350)],
  ['rises by two', amount(5_000, 500), amount(3_000, 300), amount(4_000, 400)],
])('an offer: %s', (_title, used, before, offer) => {
  expect(reclaimableOffer({ allocatable, used, isPressed: false }, before)).toEqual(offer);
});

test('a node that is pressed, or has nothing, offers nothing', () => {
  const used = amount(0, 0);
  const nothing = amount(0, 0);
  expect(reclaimableOffer({ allocatable, used, isPressed: true }, allocatable)).toEqual(nothing);
  expect(reclaimableOffer({ allocatable: nothing, used, isPressed: false })).toEqual(nothing);
});

test('a peak counts at once and is forgotten little by little', () => {
  let peak = peakUse(amount(8_000, 800), undefined);
  expect(peak).toEqual(amount(8_000, 800));
  peak = peakUse(amount(1_000, 900), peak);
  expect(peak).toEqual(amount(7_200, 900));
  for (let i = 0; i < 20; i++) peak = peakUse(amount(1_000, 100), peak);
  expect(peak.cpuMillis).toBe(1_000);
});

const reclaimablePods = fc.array(
  fc.record({
    cpuMillis: fc.constantFrom(0, 500, 1_000, 3_000),
    memoryBytes: fc.constantFrom(0, 100, 400),
    priority: fc.constantFrom(0, 1, 10),
    startMs: fc.nat(5),
    isEnding: fc.boolean(),
  }),
  { maxLength: 8 },
);
const sum = (pods: readonly ReclaimablePod[], part: keyof CpuAndMemory) =>
  pods.reduce((total, each) => total + each[part], 0);
const fits = (pods: readonly ReclaimablePod[], offer: CpuAndMemory) =>
  sum(pods, 'cpuMillis') <= offer.cpuMillis && sum(pods, 'memoryBytes') <= offer.memoryBytes;

test('after a reclaim the rest fits into the offer, nobody went in vain, and nobody who was going already', () => {
  let reclaims = 0;
  fc.assert(
    fc.property(
      reclaimablePods,
      fc.record({ cpuMillis: fc.nat(6_000), memoryBytes: fc.nat(1_000) }),
      (given, offer) => {
        const pods = given.map((each, i) => ({ ...each, uid: `${i}` }));
        const staying = pods.filter((each) => !each.isEnding);
        const going = podsToReclaim(offer, pods);
        reclaims += going.length > 0 ? 1 : 0;
        expect(going.some((each) => each.isEnding)).toBe(false);
        const left = staying.filter((each) => !going.includes(each));
        expect(fits(left, offer)).toBe(true);
        for (const spared of going) expect(fits([...left, spared], offer)).toBe(false);
      },
    ),
    { numRuns: 500 },
  );
  expect(reclaims).toBeGreaterThan(100);
});

test('the least important goes first, then who started last', () => {
  const one = { cpuMillis: 1_000, memoryBytes: 0, isEnding: false };
  const pods = [
    { ...one, uid: 'old', priority: 0, startMs: 1 },
    { ...one, uid: 'young', priority: 0, startMs: 2 },
    { ...one, uid: 'dear', priority: 5, startMs: 3 },
  ];
  const uids = (offer: number) => podsToReclaim(amount(offer, 0), pods).map(({ uid }) => uid);
  expect([uids(3_000), uids(2_000), uids(1_000), uids(0)]).toEqual([
    [],
    ['young'],
    ['young', 'old'],
    ['young', 'old', 'dear'],
  ]);
});

function world(): { snapshot: Snapshot; scheduler: Scheduler } {
  const snapshot = new Snapshot();
  const offers = {
    cpu: '4',
    'gantry.dev/reclaimable-cpu': 2_000,
    'gantry.dev/reclaimable-memory': 2 ** 30,
  };
  snapshot.setNode(node({ name: 'a', offers }));
  snapshot.setNode(node({ name: 'b', offers: { cpu: '4' } }));
  return { snapshot, scheduler: new Scheduler(snapshot, profiles['bin-pack']) };
}
const labels = { [overcommitLabel]: 'reclaimable' };

test('a reclaimable pod runs in what others reserved, and takes nothing of what they may reserve', () => {
  const { snapshot, scheduler } = world();
  snapshot.setPod(pod({ name: 'owner', nodeName: 'a', requests: { cpu: '4', memory: '8Gi' } }));
  const requests = { cpu: '1500m', memory: '512Mi' };
  expect(scheduler.place(pod({ name: 'r1', labels, requests })).node).toBe('a');
  const { nodes, message } = scheduler.explain(pod({ name: 'r2', labels, requests }));
  expect(nodes.map(({ reasons }) => reasons[0])).toEqual([
    '500m reclaimable cpu free of 2, 1500m asked',
    'has no reclaimable cpu, 1500m asked',
  ]);
  expect(message).toMatch(/too little reclaimable cpu \(largest free 500m on a, 1500m asked\)/);
  snapshot.removePod('uid-default-owner');
  expect(
    scheduler.place(pod({ name: 'next', requests: { cpu: '4', memory: '8Gi' } })).node,
  ).toBeDefined();
});

test('offers neither draw ordinary pods nor keep them off', () => {
  const { snapshot, scheduler } = world();
  const before = scheduler.schedule(pod({ name: 'p', requests: { cpu: '1' } }));
  expect(before.node).toBe('a');
  snapshot.setPod(pod({ name: 'r', labels, nodeName: 'a', requests: { cpu: '2' } }));
  expect(scheduler.schedule(pod({ name: 'p', requests: { cpu: '1' } })).score).toBe(before.score);
});
