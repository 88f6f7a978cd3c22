import type { Ask, ResourceTable } from '../resource-table.js';
import type { AskBits } from './ask-bits.js';
import { BlockMasks } from './block-masks.js';

/** Nodes per block; a full block splits in two. */
const blockSize = 64;

/** A run of nodes in order. */
interface Block {
  readonly slots: Int32Array;
  size: number;
}

/** What all orders of an index share. */
export interface OrderBase {
  readonly resources: ResourceTable;
  readonly asks: AskBits;
  /** Keys by slot; the index changes one only while the node is in no order. */
  keys: Float64Array;
}

/**
 * Nodes in descending order of a key, then ascending slot, in blocks that remember for which asks they were
 * found to have no room. Insertion and removal cost a binary search and a short move.
 */
export class NodeOrder {
  private readonly blocks: Block[] = [];
  private readonly masks = new BlockMasks();
  private count = 0;

  constructor(private readonly base: OrderBase) {}

  get size(): number {
    return this.count;
  }

  /** The first node; only when there is one. */
  get first(): number {
    return this.blocks[0]!.slots[0]!;
  }

  insert(slot: number): void {
    this.count++;
    if (this.blocks.length === 0) this.addBlock(0);
    let index = this.blockFor(slot);
    if (this.blocks[index]!.size === blockSize) index = this.split(index, slot);
    const block = this.blocks[index]!;
    const { slots } = block;
    let at = block.size++;
    while (at > 0 && this.isBefore(slot, slots[at - 1]!)) {
      slots[at] = slots[at - 1]!;
      at--;
    }
    slots[at] = slot;
    this.masks.allow(index, this.base.asks.fitting(slot));
  }

  remove(slot: number): void {
    const index = this.blockFor(slot);
    const block = this.blocks[index]!;
    const { slots, size } = block;
    let at = 0;
    while (at < size && slots[at] !== slot) at++;
    if (at === size) throw new Error(`slot ${slot} is not in its order`);
    for (; at < size - 1; at++) slots[at] = slots[at + 1]!;
    this.count--;
    if (--block.size > 0) return;
    this.blocks.splice(index, 1);
    this.masks.remove(index, this.blocks.length);
  }

  /** Something became free on a node whose place did not change. */
  noticed(slot: number): void {
    this.masks.allow(this.blockFor(slot), this.base.asks.fitting(slot));
  }

  /** Nothing is known about the ask of this bit any more. */
  allow(bit: number): void {
    this.masks.allowEverywhere(bit, this.blocks.length);
  }

  /** The index of the first block from `start` on that may have room, or -1. */
  possible(bit: number, start = 0): number {
    return this.masks.next(bit, start, this.blocks.length);
  }

  /** The first node of a block: no node in it or after it has a larger key. */
  firstOf(block: number): number {
    return this.blocks[block]!.slots[0]!;
  }

  /** The first node with room for the ask in or after this block, or -1. */
  firstFit(ask: Ask, bit: number, start: number): number {
    for (let i = start; i >= 0; i = this.possible(bit, i + 1)) {
      const { slots, size } = this.blocks[i]!;
      for (let k = 0; k < size; k++) {
        if (this.base.resources.fits(slots[k]!, ask)) return slots[k]!;
      }
      this.masks.refuse(i, bit);
    }
    return -1;
  }

  /**
   * Visits nodes with room for the ask, in order from this block on, until `visit` returns false. `visit`
   * must not change the order.
   */
  walk(ask: Ask, bit: number, start: number, visit: (slot: number) => boolean): void {
    for (let i = start; i >= 0; i = this.possible(bit, i + 1)) {
      const { slots, size } = this.blocks[i]!;
      let found = false;
      for (let k = 0; k < size; k++) {
        if (!this.base.resources.fits(slots[k]!, ask)) continue;
        found = true;
        if (!visit(slots[k]!)) return;
      }
      if (!found) this.masks.refuse(i, bit);
    }
  }

  private isBefore(a: number, b: number): boolean {
    const { keys } = this.base;
    const x = keys[a]!;
    const y = keys[b]!;
    return x > y || (x === y && a < b);
  }

  /** The last block whose first node is not after this one. */
  private blockFor(slot: number): number {
    const { blocks } = this;
    let low = 0;
    let high = blocks.length - 1;
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if (this.isBefore(slot, blocks[middle]!.slots[0]!)) high = middle - 1;
      else low = middle;
    }
    return low;
  }

  /** Returns the half in which the slot belongs. */
  private split(index: number, slot: number): number {
    const block = this.blocks[index]!;
    const half = blockSize / 2;
    const upper = this.addBlock(index + 1);
    upper.slots.set(block.slots.subarray(half));
    upper.size = block.size - half;
    block.size = half;
    this.masks.copy(index, index + 1);
    return this.isBefore(slot, upper.slots[0]!) ? index : index + 1;
  }

  private addBlock(index: number): Block {
    const block = { slots: new Int32Array(blockSize), size: 0 };
    this.masks.insert(index, this.blocks.length);
    this.blocks.splice(index, 0, block);
    return block;
  }
}
