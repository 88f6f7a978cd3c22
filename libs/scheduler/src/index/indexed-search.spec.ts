import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { bestByBruteForce, evaluate } from '../evaluation.js';
import { node, pod, type PodFixture } from '../fixtures.js';
import { profiles, type ProfileName } from '../profile.js';
import { Scheduler } from '../scheduler.js';
import { Snapshot } from '../snapshot.js';

/** Enough for blocks to split and vanish, for many groups, and for hosts' names to divide too finely. */
const nodeCount = 400;

function addNode(snapshot: Snapshot, i: number): void {
  const cpu = [4, 8, 16][i % 3]!;
  const labels = { zone: `z${i % 4}`, host: `h${i}`, disk: i % 5 === 0 ? 'ssd' : 'hdd' };
  const taints = i % 7 === 0 ? [{ key: 'dedicated', effect: 'NoSchedule' }] : [];
  const offers = { cpu, memory: `${cpu * 2}Gi`, pods: 12, ...(i % 11 ? {} : { gpu: 2 }) };
  snapshot.setNode(node({ name: `n${i}`, labels, taints, offers }));
}

const term = (app: string, topologyKey: string) => ({
  labelSelector: { matchLabels: { app } },
  topologyKey,
});
const wishes: ((app: string) => Partial<PodFixture>)[] = [
  () => ({}),
  () => ({ nodeSelector: { disk: 'ssd' } }),
  () => ({ tolerations: [{ operator: 'Exists' }], hostPorts: [80] }),
  (app) => ({
    affinity: {
      podAntiAffinity: { requiredDuringSchedulingIgnoredDuringExecution: [term(app, 'host')] },
    },
  }),
  (app) => ({
    topologySpreadConstraints: [
      { ...term(app, 'zone'), maxSkew: 1, whenUnsatisfiable: 'DoNotSchedule' },
      { ...term(app, 'host'), maxSkew: 2, whenUnsatisfiable: 'ScheduleAnyway' },
    ],
  }),
  (app) => ({
    affinity: {
      podAffinity: {
        preferredDuringSchedulingIgnoredDuringExecution: [
          { weight: 60, podAffinityTerm: term(app, 'zone') },
          { weight: 40, podAffinityTerm: term('app0', 'host') },
        ],
      },
    },
  }),
];

const step = fc.record({
  app: fc.nat(11),
  cpu: fc.constantFrom('100m', '1', '3', '7'),
  memory: fc.constantFrom('128Mi', '4Gi', '9Gi'),
  gpu: fc.constantFrom(0, 0, 0, 1),
  /** What happens first: nothing, a pod goes, or a node goes or comes back. */
  first: fc.constantFrom('nothing', 'pod', 'pod', 'node'),
  which: fc.nat(10_000),
});
type Step = typeof step extends fc.Arbitrary<infer T> ? T : never;

class Churn {
  readonly snapshot = new Snapshot();
  readonly scheduler: Scheduler;
  private readonly placed: string[] = [];

  constructor(profile: ProfileName) {
    for (let i = 0; i < nodeCount; i++) addNode(this.snapshot, i);
    this.scheduler = new Scheduler(this.snapshot, profiles[profile]);
  }

  disturb({ first, which }: Step): void {
    if (first === 'pod' && this.placed.length > 0) {
      const [uid] = this.placed.splice(which % this.placed.length, 1);
      this.snapshot.removePod(uid!);
    } else if (first === 'node') {
      const i = which % nodeCount;
      if (this.snapshot.nodes.slot(`n${i}`) === undefined) addNode(this.snapshot, i);
      else this.snapshot.removeNode(`n${i}`);
    }
  }

  place({ app, cpu, memory, gpu }: Step, serial: number): void {
    const name = `app${app}`;
    const requests = { cpu, memory, ...(gpu ? { gpu } : {}) };
    const more = wishes[app % wishes.length]!(name);
    const asked = pod({ name: `p${serial}`, labels: { app: name }, requests, ...more });
    const { snapshot, scheduler } = this;
    const handle = snapshot.handle(asked);
    const decision = scheduler.decide(handle);
    const evaluation = evaluate(snapshot, handle, scheduler.profile);
    const best = bestByBruteForce(snapshot, evaluation);
    expect(decision.node === undefined).toBe(best === undefined);
    if (!best) return;
    expect(evaluation.fits(decision.slot)).toBe(true);
    expect(evaluation.score(decision.slot)).toBeCloseTo(best.score, 9);
    snapshot.hold(`u${serial}`, handle, decision.slot);
    this.placed.push(`u${serial}`);
  }
}

/** Pods without wishes leave the nodes in a few large groups, pods with wishes divide them into many. */
const cases: [ProfileName, 'plain' | 'constrained'][] = [
  ['bin-pack', 'plain'],
  ['spread', 'plain'],
  ['bin-pack', 'constrained'],
  ['spread', 'constrained'],
  ['balanced', 'constrained'],
];

test.each(cases)('%s, %s: as good as brute force among hundreds of nodes', (profile, sort) => {
  fc.assert(
    fc.property(fc.array(step, { minLength: 600, maxLength: 600, size: 'max' }), (steps) => {
      const churn = new Churn(profile);
      steps.forEach((each, serial) => {
        // Filled first, so that most of the run happens among full nodes.
        if (serial > 250) churn.disturb(each);
        const app = sort === 'plain' ? 0 : each.app;
        churn.place({ ...each, app }, serial);
      });
    }),
    { numRuns: 3, endOnFailure: true },
  );
});

test('more asks than there are bits are still answered right, also while pods go', () => {
  const churn = new Churn('bin-pack');
  for (let round = 0; round < 3; round++) {
    for (let i = 0; i < 200; i++) {
      const serial = round * 200 + i;
      const [cpu, memory] = [`${500 + i * 37}m`, `${64 + i * 9}Mi`];
      const asked = { app: 0, cpu, memory, gpu: i % 5 === 0 ? 1 : 0, which: serial * 7919 };
      const step = { ...asked, first: round === 0 ? 'nothing' : 'pod' } as Step;
      churn.disturb(step);
      churn.place(step, serial);
    }
  }
});

test('nodes without room for any pod so far are found by the first pod that is small enough', () => {
  const snapshot = new Snapshot();
  for (let i = 0; i < 200; i++) snapshot.setNode(node({ name: `n${i}`, offers: { cpu: 8 } }));
  const scheduler = new Scheduler(snapshot);
  const place = (name: string, cpu: string) =>
    scheduler.place(pod({ name, requests: { cpu, memory: '1Mi' } })).node;
  for (let i = 0; i < 200; i++) expect(place(`large-${i}`, '7')).toBe(`n${i}`);
  expect(place('large', '7')).toBeUndefined();
  expect(place('small', '500m')).toBe('n0');
  for (let i = 1; i < 200; i++) expect(place(`medium-${i}`, '600m')).toBe(`n${i}`);
  expect(place('medium', '600m')).toBeUndefined();
  expect(place('tiny', '300m')).toBe('n1');
});

test('a pod that asks for no cpu fits where a node shrank below what its pods hold', () => {
  const snapshot = new Snapshot();
  snapshot.setNode(node({ name: 'n', offers: { cpu: 8 } }));
  snapshot.setPod(pod({ name: 'a', requests: { cpu: 5 }, nodeName: 'n' }));
  snapshot.setNode(node({ name: 'n', offers: { cpu: 4 } }));
  expect(new Scheduler(snapshot).place(pod({ name: 'b', requests: {} })).node).toBe('n');
});
