import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { bestByBruteForce, evaluate } from '../evaluation.js';
import { node, pod } from '../fixtures.js';
import { fullImageName } from '../images.js';
import { customProfile } from '../profile.js';
import { Scheduler } from '../scheduler.js';
import { Snapshot } from '../snapshot.js';

test.each([
  ['web', 'docker.io/library/web:latest'],
  ['shop/web:2', 'docker.io/shop/web:2'],
  ['localhost/web', 'localhost/web:latest'],
  ['registry:5000/web', 'registry:5000/web:latest'],
  ['web@sha256:ab', 'docker.io/library/web@sha256:ab'],
])('%s is %s', (name, full) => expect(fullImageName(name)).toBe(full));

const profile = customProfile('bin-pack', { weights: { imageLocality: 3 } });
const names = ['a:1', 'b:1', 'c:1'];
const images = fc.dictionary(fc.constantFrom(...names), fc.integer({ min: 10, max: 1_500 }));
const step = fc.record({
  node: fc.nat(5),
  images,
  wanted: fc.array(fc.constantFrom(...names), { maxLength: 2 }),
});

test('while images come and go, the index chooses as well as looking at every node', () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 25 }), (steps) => {
      const snapshot = new Snapshot();
      const scheduler = new Scheduler(snapshot, profile);
      steps.forEach((now, i) => {
        snapshot.setNode(node({ name: `n${now.node}`, images: now.images }));
        const asked = pod({ name: `${i}`, images: now.wanted, requests: { cpu: '500m' } });
        const rules = evaluate(snapshot, snapshot.handle(asked), profile);
        const best = bestByBruteForce(snapshot, rules);
        const { node: chosen, score } = scheduler.place(asked);
        expect(chosen === undefined).toBe(best === undefined);
        if (best) expect(score).toBeCloseTo(best.score, 9);
      });
    }),
    { numRuns: 200 },
  );
});
