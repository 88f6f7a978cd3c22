import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import type { PodHandle } from './pod-class.js';
import { nowhere, PodTable } from './pod-table.js';

const handle = {} as PodHandle;
const slots = 5;

/** Few uids, so that the same ones come and go; more than the table begins with, so that it grows. */
const step = fc.record({
  uid: fc.nat(150).map((n) => `${n * 7919}-pod-${n}`),
  what: fc.constantFrom('add', 'add', 'remove', 'move', 'confirm'),
  slot: fc.nat(slots - 1),
});
type Step = typeof step extends fc.Arbitrary<infer T> ? T : never;
type Known = Map<string, { slot: number; assumed: boolean }>;

function expectAlike(table: PodTable, known: Known): void {
  for (let slot = 0; slot < slots; slot++) {
    const there = [...known].filter(([, entry]) => entry.slot === slot).map(([uid]) => uid);
    const found = table.on(slot).map((number) => table.uid(number));
    expect(found.sort()).toEqual(there.sort());
  }
}

function live(table: PodTable, known: Known, { uid, what, slot }: Step): void {
  const number = table.find(uid);
  const entry = known.get(uid);
  expect(number >= 0).toBe(entry !== undefined);
  if (!entry) {
    if (what !== 'add') return;
    table.add(uid, handle, nowhere, true);
    known.set(uid, { slot: nowhere, assumed: true });
  } else if (what === 'remove') {
    table.remove(number);
    known.delete(uid);
  } else if (what === 'move') {
    table.move(number, slot);
    entry.slot = slot;
  } else if (what === 'confirm') {
    table.confirm(number);
    entry.assumed = false;
  }
}

test('knows exactly the pods that a plain map knows, after any comings and goings', () => {
  fc.assert(
    fc.property(fc.array(step, { minLength: 200, maxLength: 800, size: 'max' }), (steps) => {
      const table = new PodTable();
      const known: Known = new Map();
      steps.forEach((each, i) => {
        live(table, known, each);
        if (i % 40 === 0) expectAlike(table, known);
      });
      expect(table.size).toBe(known.size);
      expect([...table].map((number) => table.uid(number)).sort()).toEqual(
        [...known.keys()].sort(),
      );
      for (const [uid, { slot, assumed }] of known) {
        const number = table.find(uid);
        expect(table.uid(number)).toBe(uid);
        expect(table.slot(number)).toBe(slot);
        expect(table.isAssumed(number)).toBe(assumed);
        expect(table.handle(number)).toBe(handle);
      }
      expectAlike(table, known);
    }),
    { numRuns: 60 },
  );
});

test('still tells the pods of a node after more have moved than its index bears with', () => {
  const table = new PodTable();
  const known: Known = new Map();
  for (let n = 0; n < 3_000; n++) {
    const [uid, slot] = [`uid-${n}`, n % slots];
    table.add(uid, handle, slot, false);
    known.set(uid, { slot, assumed: false });
    if (n % 700 === 0) expectAlike(table, known);
  }
  expectAlike(table, known);
});
