import { cpuColumn, memoryColumn, type Ask, type ResourceTable } from '../resource-table.js';
import type { AskBits } from './ask-bits.js';
import { BlockMasks } from './block-masks.js';
import type { Prospects } from './prospects.js';

/** Nodes per block; a full block splits in two. */
const blockSize = 32;
const initialBlocks = 4;

/** What all orders of an index share. */
export interface OrderBase {
  readonly resources: ResourceTable;
  readonly asks: AskBits;
  readonly prospects: Prospects;
  /** Keys by slot; the index changes one only while the node is in no order. */
  keys: Float64Array;
}

/**
 * Nodes in descending order of a key, then ascending slot, in blocks that remember for which asks they were
 * found to have no room. Insertion and removal cost a binary search and a short move. All blocks lie side
 * by side in few arrays, since what costs time here is memory that is far apart.
 */
export class NodeOrder {
  private slots = new Int32Array(initialBlocks * blockSize);
  private keys = new Float64Array(initialBlocks * blockSize);
  /** What of the node is free: most that lack room are seen here and their rows, far apart, are not read. */
  private cpu = new Float64Array(initialBlocks * blockSize);
  private memory = new Float64Array(initialBlocks * blockSize);
  private sizes = new Int32Array(initialBlocks);
  /** Key and slot of the first node of each block. */
  private firstKeys = new Float64Array(initialBlocks);
  private firstSlots = new Int32Array(initialBlocks);
  private readonly masks = new BlockMasks();
  private blocks = 0;
  private count = 0;

  /** `number` is that of the group for the prospects. */
  constructor(
    private readonly base: OrderBase,
    readonly number: number,
  ) {
    base.prospects.begin(number);
  }

  get size(): number {
    return this.count;
  }

  /** The first node; only when there is one. */
  get first(): number {
    return this.firstSlots[0]!;
  }

  insert(slot: number): void {
    const key = this.base.keys[slot]!;
    if (this.blocks === 0) this.addBlock(0);
    let block = this.blockFor(key, slot);
    if (this.sizes[block] === blockSize) block = this.split(block, key, slot);
    const { slots, keys, cpu, memory } = this;
    const start = block * blockSize;
    let at = start + this.sizes[block]!++;
    for (; at > start && isBefore(key, slot, keys[at - 1]!, slots[at - 1]!); at--) {
      slots[at] = slots[at - 1]!;
      keys[at] = keys[at - 1]!;
      cpu[at] = cpu[at - 1]!;
      memory[at] = memory[at - 1]!;
    }
    slots[at] = slot;
    keys[at] = key;
    this.noteFree(at, slot);
    if (at === start) this.noteFirst(block);
    this.count++;
    this.allowOn(block, slot, key);
  }

  remove(slot: number): void {
    const block = this.blockFor(this.base.keys[slot]!, slot);
    const { slots, keys, cpu, memory } = this;
    const start = block * blockSize;
    const end = start + this.sizes[block]!;
    let at = this.find(block, slot);
    const isFirst = at === start;
    for (; at < end - 1; at++) {
      slots[at] = slots[at + 1]!;
      keys[at] = keys[at + 1]!;
      cpu[at] = cpu[at + 1]!;
      memory[at] = memory[at + 1]!;
    }
    this.count--;
    if (--this.sizes[block]! === 0) this.removeBlock(block);
    else if (isFirst) this.noteFirst(block);
  }

  /** Something became free on a node whose place did not change. */
  noticed(slot: number): void {
    const key = this.base.keys[slot]!;
    const block = this.blockFor(key, slot);
    this.noteFree(this.find(block, slot), slot);
    this.allowOn(block, slot, key);
  }

  private find(block: number, slot: number): number {
    const start = block * blockSize;
    const end = start + this.sizes[block]!;
    for (let at = start; at < end; at++) if (this.slots[at] === slot) return at;
    throw new Error(`slot ${slot} is not in its order`);
  }

  private noteFree(at: number, slot: number): void {
    const { resources } = this.base;
    this.cpu[at] = resources.free(cpuColumn, slot);
    this.memory[at] = resources.free(memoryColumn, slot);
  }

  private allowOn(block: number, slot: number, key: number): void {
    const fitting = this.base.asks.fitting(slot);
    this.masks.allow(block, fitting);
    this.base.prospects.raise(fitting, this.number, key);
  }

  /** Nothing is known about the ask of this bit any more. */
  allow(bit: number): void {
    this.masks.allowEverywhere(bit, this.blocks);
  }

  /** The first node with room for the ask, or -1. */
  firstFit(ask: Ask, bit: number): number {
    const { resources, prospects } = this.base;
    const cpuAsked = this.base.asks.cpuOf(bit);
    const memoryAsked = this.base.asks.memoryOf(bit);
    const { slots, cpu, memory } = this;
    for (let i = this.masks.next(bit, 0, this.blocks); i >= 0;) {
      const start = i * blockSize;
      const end = start + this.sizes[i]!;
      for (let at = start; at < end; at++) {
        if (cpu[at]! < cpuAsked || memory[at]! < memoryAsked) continue;
        if (!resources.fits(slots[at]!, ask)) continue;
        prospects.set(bit, this.number, this.keys[at]!);
        return slots[at]!;
      }
      this.masks.refuse(i, bit);
      i = this.masks.next(bit, i + 1, this.blocks);
    }
    prospects.set(bit, this.number, -Infinity);
    return -1;
  }

  /** Visits nodes with room for the ask, in order, until `visit` returns false. It must not change the order. */
  walk(ask: Ask, bit: number, visit: (slot: number) => boolean): void {
    const { resources, prospects, asks } = this.base;
    const [cpuAsked, memoryAsked] = [asks.cpuOf(bit), asks.memoryOf(bit)];
    const { cpu, memory } = this;
    let isFirst = true;
    for (let i = this.masks.next(bit, 0, this.blocks); i >= 0;) {
      const start = i * blockSize;
      const end = start + this.sizes[i]!;
      let found = false;
      for (let at = start; at < end; at++) {
        if (cpu[at]! < cpuAsked || memory[at]! < memoryAsked) continue;
        const slot = this.slots[at]!;
        if (!resources.fits(slot, ask)) continue;
        if (isFirst) prospects.set(bit, this.number, this.keys[at]!);
        isFirst = false;
        found = true;
        if (!visit(slot)) return;
      }
      if (!found) this.masks.refuse(i, bit);
      i = this.masks.next(bit, i + 1, this.blocks);
    }
    if (isFirst) prospects.set(bit, this.number, -Infinity);
  }

  /** The last block whose first node is not after this one. */
  private blockFor(key: number, slot: number): number {
    const { firstKeys, firstSlots } = this;
    let low = 0;
    let high = this.blocks - 1;
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if (isBefore(key, slot, firstKeys[middle]!, firstSlots[middle]!)) high = middle - 1;
      else low = middle;
    }
    return low;
  }

  /** Returns the half in which the node belongs. */
  private split(block: number, key: number, slot: number): number {
    const half = blockSize / 2;
    const upper = block + 1;
    this.addBlock(upper);
    const from = block * blockSize + half;
    for (const array of [this.slots, this.keys, this.cpu, this.memory]) {
      array.copyWithin(upper * blockSize, from, from + half);
    }
    this.sizes[block] = half;
    this.sizes[upper] = half;
    this.noteFirst(upper);
    this.masks.copy(block, upper);
    return isBefore(key, slot, this.firstKeys[upper]!, this.firstSlots[upper]!) ? block : upper;
  }

  private noteFirst(block: number): void {
    this.firstKeys[block] = this.keys[block * blockSize]!;
    this.firstSlots[block] = this.slots[block * blockSize]!;
  }

  private addBlock(at: number): void {
    if (this.blocks === this.sizes.length) this.grow();
    this.masks.insert(at, this.blocks);
    this.shift(at, at + 1, this.blocks++);
    this.sizes[at] = 0;
  }

  private removeBlock(at: number): void {
    this.blocks--;
    this.shift(at + 1, at, this.blocks + 1);
    this.masks.remove(at, this.blocks);
  }

  /** Moves the blocks from `from` up to `end` so that the first of them stands at `to`. */
  private shift(from: number, to: number, end: number): void {
    for (const array of [this.sizes, this.firstKeys, this.firstSlots]) {
      array.copyWithin(to, from, end);
    }
    for (const array of [this.slots, this.keys, this.cpu, this.memory]) {
      array.copyWithin(to * blockSize, from * blockSize, end * blockSize);
    }
  }

  private grow(): void {
    const larger = <T extends Int32Array | Float64Array>(array: T): T => {
      const grown = new (array.constructor as new (length: number) => T)(array.length * 2);
      grown.set(array);
      return grown;
    };
    this.slots = larger(this.slots);
    this.keys = larger(this.keys);
    this.cpu = larger(this.cpu);
    this.memory = larger(this.memory);
    this.sizes = larger(this.sizes);
    this.firstKeys = larger(this.firstKeys);
    this.firstSlots = larger(this.firstSlots);
  }
}

function isBefore(key: number, slot: number, otherKey: number, otherSlot: number): boolean {
  return key > otherKey || (key === otherKey && slot < otherSlot);
}
