import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { DomainCounter } from './domain-counter.js';
import { DomainCounts } from './domain-counts.js';
import { Domains } from './domains.js';

const slots = 12;
const excluded = 11;

const change = fc.record({ slot: fc.nat(slots - 1), what: fc.constantFrom('node', 'pod') });

/** Each change toggles a node or a pod, so that counts never fall below zero. */
test('counts, size and minimum are those of a recount after every change', () => {
  fc.assert(
    fc.property(fc.array(change, { maxLength: 80 }), (changes) => {
      const domains = new Domains('zone', slots);
      for (let slot = 0; slot < slots; slot++) domains.assign(slot, `z${slot % 4}`);
      const counter = new DomainCounter(domains, (slot) => slot !== excluded);
      const nodes = new Set<number>();
      const pods = new Set<number>();
      for (const { slot, what } of changes) {
        const set = what === 'node' ? nodes : pods;
        const delta = set.delete(slot) ? -1 : 1;
        if (delta === 1) set.add(slot);
        if (what === 'node') counter.addNode(slot, delta);
        else counter.addPods(slot, delta);
        const counted = (of: Set<number>, domain: number) =>
          [...of].filter((s) => s !== excluded && s % 4 === domain).length;
        const existing = [0, 1, 2, 3].filter((domain) => counted(nodes, domain) > 0);
        const counts = existing.map((domain) => counted(pods, domain));
        expect(counter.size).toBe(existing.length);
        expect(counter.minimum).toBe(counts.length === 0 ? 0 : Math.min(...counts));
        expect(counter.maximum).toBe(Math.max(...[0, 1, 2, 3].map((d) => counted(pods, d))));
        expect(counter.at(slot)).toBe(counted(pods, slot % 4));
      }
    }),
  );
});

test('counts of many domains are those of a plain map', () => {
  const step = fc.record({ domain: fc.nat(300), isMore: fc.boolean() });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 1_500, size: 'max' }), (steps) => {
      const counts = new DomainCounts();
      const plain = new Map<number, number>();
      for (const { domain, isMore } of steps) {
        const before = plain.get(domain) ?? 0;
        const delta = isMore || before === 0 ? 1 : -1;
        plain.set(domain, before + delta);
        expect(counts.add(domain, delta)).toBe(before + delta);
      }
      for (let domain = 0; domain <= 300; domain++) {
        expect(counts.get(domain)).toBe(plain.get(domain) ?? 0);
      }
    }),
    { numRuns: 30 },
  );
});
