import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import type { PodInput } from '../input.js';
import { preempt } from '../preemption/preempt.js';
import { profiles } from '../profile.js';
import { uidOf } from '../snapshot.js';
import { lives, podArbitrary, spreadPodArbitrary } from './churn.js';
import { Life } from './life.js';
import {
  compareOracleCosts,
  sufficientSets,
  type OracleVictims,
  type PreemptionWorld,
} from './preemption-oracle.js';

/** More pods on a node would make the oracle, which tries every set, too slow. */
const maxTenants = 7;

const priority = fc.constantFrom(0, 1, 5, 10);

function withPriority(
  pods: fc.Arbitrary<PodInput>,
  of: fc.Arbitrary<number> = priority,
): fc.Arbitrary<PodInput> {
  return fc.tuple(pods, of).map(([pod, value]) => ({
    ...pod,
    spec: { ...pod.spec, priority: value },
  }));
}

const budgets = fc.array(
  fc.record({
    namespace: fc.constantFrom('default', 'other'),
    app: fc.constantFrom('web', 'db', 'job'),
    allowed: fc.constantFrom(0, 1, 2),
  }),
  { maxLength: 2 },
);

interface Case {
  readonly life: Life;
  readonly world: PreemptionWorld;
}

function worldOf(
  life: Life,
  appBudgets: PreemptionWorld['budgets'],
  dice: number,
): PreemptionWorld {
  const { nodes, pods } = life.world;
  const ending = pods.filter((_, i) => (dice >> (i % 20)) % 4 === 1).map((p) => p.metadata.name!);
  return { nodes, pods, budgets: appBudgets, ending: new Set(ending) };
}

function preempted({ life, world }: Case, pod: PodInput) {
  const { snapshot } = life;
  const byUid = new Map(world.pods.map((p) => [uidOf(p), p]));
  const outcome = preempt(snapshot, profiles['bin-pack'], snapshot.handle(pod), {
    tenants: () =>
      new Map(
        [...byUid].map(([uid, p]) => [
          uid,
          { startMs: 0, isEnding: world.ending.has(p.metadata.name!) },
        ]),
      ),
    budgets: world.budgets.map(({ namespace, app, allowed }) => ({
      namespace,
      selector: { matchLabels: { app } },
      allowed,
    })),
  });
  const names = outcome?.victims.map(({ uid }) => byUid.get(uid)!.metadata.name!);
  return outcome && { node: outcome.node, names: names!, violations: outcome.violations };
}

function best(sets: readonly OracleVictims[]): OracleVictims | undefined {
  return sets.toSorted((a, b) => compareOracleCosts(a.cost, b.cost))[0];
}

/** All there is to say about one preemption. */
function judge({ life, world }: Case, pod: PodInput): void {
  const onNode = (name: string) => world.pods.filter((p) => p.spec.nodeName === name).length;
  if (world.nodes.some((n) => onNode(n.metadata.name!) > maxTenants)) return;
  const { version } = life.snapshot;
  const outcome = preempted({ life, world }, pod);
  expect(life.snapshot.version).toBe(version);
  const byNode = new Map(
    world.nodes.map((n) => [n.metadata.name!, sufficientSets(world, pod, n)] as const),
  );
  const cheapest = best([...byNode.values()].flat());
  if (!outcome) return expect(cheapest).toBeUndefined();
  const sets = byNode.get(outcome.node)!;
  const chosen = sets.find(
    ({ names }) => names.toSorted().join() === outcome.names.toSorted().join(),
  );
  // The pod fits once its victims are gone.
  expect(chosen).toBeDefined();
  expect(chosen!.cost[0]).toBe(outcome.violations);
  // None of them goes in vain: without any one of them the rest would not do, nor would a cheaper set.
  for (const spared of outcome.names) {
    const rest = outcome.names
      .filter((name) => name !== spared)
      .toSorted()
      .join();
    expect(sets.some(({ names }) => names.toSorted().join() === rest)).toBe(false);
  }
  expect(compareOracleCosts(chosen!.cost, cheapest!.cost)).toBe(0);
}

const preemptor = fc.constantFrom(1, 5, 20);

test.each([
  ['plain and constrained pods', podArbitrary],
  ['pods under a hard spread', spreadPodArbitrary],
])('%s: nobody is preempted in vain, and no cheaper victims would do', (_title, pods) => {
  let preemptions = 0;
  fc.assert(
    fc.property(
      lives(40, withPriority(pods)),
      fc.array(withPriority(pods, preemptor), { minLength: 1, maxLength: 4 }),
      budgets,
      fc.nat(),
      (steps, asking, appBudgets, dice) => {
        const life = new Life();
        for (const step of steps) life.live(step, () => undefined);
        for (const pod of asking) {
          const world = worldOf(life, appBudgets, dice);
          if (life.scheduler.schedule(pod).node !== undefined) continue;
          preemptions++;
          judge({ life, world }, pod);
        }
      },
    ),
    { numRuns: 400 },
  );
  expect(preemptions).toBeGreaterThan(100);
});

test('a look at the cluster without some pods leaves no trace', () => {
  fc.assert(
    fc.property(lives(40), podArbitrary, fc.array(fc.nat(30)), (steps, pod, picks) => {
      const life = new Life();
      for (const step of steps) life.live(step, () => undefined);
      const before = JSON.stringify(life.scheduler.explain(pod));
      const uids = [...life.pods.keys()];
      life.snapshot.trial(({ lift, lower }) => {
        for (const pick of picks) {
          if (pick % 3) lift(uids[pick % uids.length] ?? 'nobody');
          else lower(uids[pick % uids.length] ?? 'nobody');
        }
      });
      expect(JSON.stringify(life.scheduler.explain(pod))).toBe(before);
    }),
    { numRuns: 200 },
  );
});
