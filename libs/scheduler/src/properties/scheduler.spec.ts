import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { bestByBruteForce, evaluate } from '../evaluation.js';
import { profiles } from '../profile.js';
import { lives, podArbitrary, spreadPodArbitrary } from './churn.js';
import { Life } from './life.js';
import { oracleFits } from './oracle.js';

const runs = { numRuns: 300 };

const cases = [
  ['bin-pack', podArbitrary],
  ['spread', podArbitrary],
  ['balanced', podArbitrary],
  ['bin-pack', spreadPodArbitrary],
] as const;

test.each(cases)('%s fits exactly where the oracle says', (name, pods) => {
  const profile = profiles[name];
  fc.assert(
    fc.property(lives(40, pods), (steps) => {
      const life = new Life(profile);
      for (const step of steps) {
        life.live(step, (pod, { node }) => {
          const fitting = life.world.nodes.filter((n) => oracleFits(life.world, pod, n));
          const names = fitting.map((n) => n.metadata.name);
          if (node === undefined) expect(names).toEqual([]);
          else expect(names).toContain(node);
        });
      }
    }),
    runs,
  );
});

test('what is taken of a node is at all times the sum over its pods', () => {
  fc.assert(
    fc.property(lives(60), (steps) => {
      const life = new Life();
      for (const step of steps) life.live(step, () => undefined);
      const { resources } = life.snapshot.nodes;
      for (const slot of life.snapshot.nodes) {
        const pods = life.snapshot.podsOn(slot);
        const expected = life.world.pods.filter(
          (p) => p.spec.nodeName === life.snapshot.nodes.name(slot),
        );
        expect(pods.map((p) => p.uid).sort()).toEqual(expected.map((p) => p.metadata.uid).sort());
        for (let c = 0; c < resources.names.length; c++) {
          const asked = pods.map(
            ({ podClass: { ask } }) => ask.amounts[ask.columns.indexOf(c)] ?? 0,
          );
          expect(resources.requested(c, slot)).toBe(asked.reduce((a, b) => a + b, 0));
        }
      }
    }),
    runs,
  );
});

test('never overcommits a node that did not change under its pods', () => {
  fc.assert(
    fc.property(lives(60), (steps) => {
      const life = new Life();
      const stable = new Set<string>();
      for (const step of steps) {
        if (step.type === 'node') {
          const known = life.nodes.has(step.node.metadata.name!);
          if (known) continue;
          stable.add(step.node.metadata.name!);
        }
        if (step.type === 'remove-node') continue;
        life.live(step, () => undefined);
        const { resources } = life.snapshot.nodes;
        for (const slot of life.snapshot.nodes) {
          for (let c = 0; c < resources.names.length; c++) {
            expect(resources.free(c, slot)).toBeGreaterThanOrEqual(0);
          }
        }
      }
    }),
    runs,
  );
});

test('the explanation agrees with the decision, node by node', () => {
  fc.assert(
    fc.property(lives(30), (steps) => {
      const life = new Life();
      for (const step of steps) {
        life.live(step, (pod, { node }) => {
          const explained = life.scheduler.explain(pod);
          for (const { name, fits, reasons } of explained.nodes) {
            expect(fits).toBe(oracleFits(life.world, pod, life.nodes.get(name)!));
            expect(reasons.length === 0).toBe(fits);
          }
          expect(node === undefined).toBe(explained.nodes.every((n) => !n.fits));
        });
      }
    }),
    { numRuns: 100 },
  );
});

test.each(cases)('%s: the index chooses a node as good as brute force does', (name, pods) => {
  fc.assert(
    fc.property(lives(60, pods), (steps) => {
      const life = new Life(profiles[name]);
      const { snapshot, scheduler } = life;
      for (const step of steps) {
        life.live(step, (pod, decision) => {
          const evaluation = evaluate(snapshot, snapshot.handle(pod), scheduler.profile);
          const best = bestByBruteForce(snapshot, evaluation);
          if (!best) return expect(decision.node).toBeUndefined();
          const chosen = snapshot.nodes.slot(decision.node!)!;
          expect(evaluation.fits(chosen)).toBe(true);
          expect(evaluation.score(chosen)).toBeCloseTo(best.score, 9);
          expect(decision.score).toBeCloseTo(best.score, 9);
        });
      }
    }),
    runs,
  );
});
