import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import type { Ask } from '../resource-table.js';
import { cpuColumn, memoryColumn, podsColumn, ResourceTable } from '../resource-table.js';
import { AskBits } from './ask-bits.js';
import { blockSize, NodeBlocks } from './node-blocks.js';

const nodes = 40;

const step = fc.record({
  /** A node comes, goes or changes, an ask is new, or a search found that a node lacks something else. */
  what: fc.constantFrom('come', 'come', 'go', 'change', 'change', 'ask', 'refuse'),
  slot: fc.nat(nodes - 1),
  cpu: fc.integer({ min: 0, max: 9 }),
  memory: fc.integer({ min: 0, max: 9 }),
  pods: fc.integer({ min: 0, max: 2 }),
});
type Step = typeof step extends fc.Arbitrary<infer T> ? T : never;

/** One block beside a plain list of the nodes in it. */
class Bed {
  private readonly resources = new ResourceTable(nodes);
  private readonly asks = new AskBits();
  private readonly blocks = new NodeBlocks(this.resources, this.asks);
  private readonly block = this.blocks.take(0);
  private readonly inside = new Map<number, number>();
  private readonly known: Ask[] = [];
  private readonly refused = new Set<string>();

  live({ what, slot, cpu, memory, pods }: Step): void {
    const isInside = this.inside.has(slot);
    if (what === 'ask') this.ask(cpu, memory);
    else if (what === 'come' || what === 'change') {
      if (isInside || this.inside.size < blockSize) this.set(slot, [cpu, memory, pods]);
    } else if (isInside && what === 'go') this.go(slot);
    else if (isInside) this.refuse(slot, cpu);
  }

  private ask(cpu: number, memory: number): void {
    const ask = this.resources.ask(new Map(Object.entries({ cpu, memory, pods: 1 })));
    if (this.known.includes(ask)) return;
    this.known.push(ask);
    this.asks.bitOf(ask, (bit) => this.blocks.forget(this.block, bit));
  }

  private go(slot: number): void {
    expect(this.blocks.remove(slot)).toBe(this.inside.size === 1);
    this.inside.delete(slot);
  }

  private set(slot: number, free: readonly number[]): void {
    [cpuColumn, memoryColumn, podsColumn].forEach((column, i) => {
      this.resources.rows[slot * this.resources.stride + column] = free[i]!;
    });
    this.blocks.measure(slot);
    const key = free[0]! / 10;
    if (this.inside.has(slot)) this.blocks.note(slot, key);
    else this.blocks.add(this.block, slot, key);
    this.inside.set(slot, key);
    this.known.forEach((_, i) => this.refused.delete(`${i} ${slot}`));
  }

  private refuse(slot: number, which: number): void {
    const ask = this.known[which];
    if (!ask) return;
    // As a search does: what it refuses it has found in the block.
    const place = this.found(ask).find(([there]) => there === slot)?.[1];
    if (place === undefined) return;
    this.blocks.refuse(this.block, this.bitOf(ask), place);
    this.refused.add(`${which} ${slot}`);
  }

  private bitOf(ask: Ask): number {
    return this.asks.bitOf(ask, () => expect.fail('an ask lost its bit'));
  }

  /** Slots and places of the nodes that the block has for the ask. */
  private found(ask: Ask): [number, number][] {
    const places = this.blocks.placesFor(this.block, this.bitOf(ask));
    const all = Array.from({ length: blockSize }, (_, place) => place);
    const set = all.filter((place) => (places & (1 << place)) !== 0);
    return set.map((place) => [this.blocks.slotAt(this.block, place), place]);
  }

  check(): void {
    this.known.forEach((ask, i) => {
      const fitting = [...this.inside.keys()].filter((slot) => this.resources.fits(slot, ask));
      const expected = fitting.filter((slot) => !this.refused.has(`${i} ${slot}`));
      const found = this.found(ask).map(([slot]) => slot);
      expect(found.sort((a, b) => a - b)).toEqual(expected.sort((a, b) => a - b));
    });
    for (const [slot, key] of this.inside) expect(this.blocks.keyOf(slot)).toBe(key);
  }
}

test.each([2, nodes])('a block knows for each ask exactly which of %d nodes have room', (count) => {
  fc.assert(
    fc.property(fc.array(step, { minLength: 100, maxLength: 300, size: 'max' }), (steps) => {
      const bed = new Bed();
      steps.forEach((each, i) => {
        bed.live({ ...each, slot: each.slot % count });
        // Not after each: what is not known of an ask is to meet changes first.
        if (i % 7 === 0) bed.check();
      });
      bed.check();
    }),
    { numRuns: 60 },
  );
});
