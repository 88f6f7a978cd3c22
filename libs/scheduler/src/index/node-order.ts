import type { Ask, ResourceTable } from '../resource-table.js';
import type { AskBits } from './ask-bits.js';
import { BlockMasks } from './block-masks.js';
import {
  blockNumbers,
  blockSize,
  cpuOffset,
  doubled,
  isBefore,
  memoryOffset,
  type NodeBlocks,
} from './node-blocks.js';
import type { Prospects } from './prospects.js';

const initialBlocks = 4;

/** What all orders of an index share. */
export interface OrderBase {
  readonly resources: ResourceTable;
  readonly asks: AskBits;
  readonly prospects: Prospects;
  readonly blocks: NodeBlocks;
}

/** Who walks an order. */
export interface Visitor {
  /** Whether this node is worth a visit by its key; if not, none that stands after it is. */
  wants(key: number, slot: number): boolean;
  visit(slot: number, key: number): void;
}

/**
 * Nodes in descending order of a key, then ascending slot, as far as blocks go: each block has the nodes from its
 * bound to that of the next one, in no order, and is known to have no room for some asks. Most changes of a
 * key leave a node in its block.
 */
export class NodeOrder {
  /** By rank: the block. */
  private blockAt = new Int32Array(initialBlocks);
  /** By rank: key and slot before which no node of the block stands; the first block has no such bound. */
  private boundKeys = new Float64Array(initialBlocks);
  private boundSlots = new Int32Array(initialBlocks);
  private readonly masks: BlockMasks;
  private blocks = 0;
  private count = 0;

  /** `number` is that of the group for the prospects. */
  constructor(
    private readonly base: OrderBase,
    readonly number: number,
  ) {
    this.masks = new BlockMasks(base.asks);
    base.prospects.begin(number);
  }

  get size(): number {
    return this.count;
  }

  /** One of the nodes; only when there is one. */
  get sample(): number {
    return this.base.blocks.anyOf(this.blockAt[0]!);
  }

  keyOf(slot: number): number {
    return this.base.blocks.keyOf(slot);
  }

  insert(slot: number, key: number): void {
    if (this.blocks === 0) this.addBlock(0);
    this.count++;
    this.allowOn(this.put(slot, key), slot, key);
  }

  remove(slot: number): void {
    this.count--;
    this.take(slot);
  }

  /** The node's key or what is free of it may have changed. */
  changed(slot: number, key: number): void {
    const { blocks } = this.base;
    let rank = blocks.ranks[blocks.blockOf(slot)]!;
    if (this.isWithin(rank, slot, key)) blocks.note(slot, key);
    else {
      this.take(slot);
      if (this.blocks === 0) this.addBlock(0);
      rank = this.put(slot, key);
    }
    this.allowOn(rank, slot, key);
  }

  private isWithin(rank: number, slot: number, key: number): boolean {
    const { boundKeys, boundSlots } = this;
    if (rank > 0 && isBefore(key, slot, boundKeys[rank]!, boundSlots[rank]!)) return false;
    const next = rank + 1;
    return next === this.blocks || isBefore(key, slot, boundKeys[next]!, boundSlots[next]!);
  }

  /** Returns the rank of the node's block. */
  private put(slot: number, key: number): number {
    const { blocks } = this.base;
    let rank = this.rankFor(key, slot);
    if (blocks.sizes[this.blockAt[rank]!] === blockSize) rank = this.split(rank, key, slot);
    blocks.add(this.blockAt[rank]!, slot, key);
    return rank;
  }

  private take(slot: number): void {
    const { blocks } = this.base;
    const block = blocks.blockOf(slot);
    if (blocks.remove(slot) === 0) this.removeBlock(blocks.ranks[block]!);
  }

  private allowOn(rank: number, slot: number, key: number): void {
    const { asks, prospects } = this.base;
    const fitting = asks.fitting(slot);
    this.masks.allow(rank, fitting);
    prospects.raise(fitting, asks.wordsUsed, this.number, key);
  }

  /** Nothing is known about the ask of this bit any more. */
  allow(bit: number): void {
    this.masks.allowEverywhere(bit, this.blocks);
  }

  /** The first node with room for the ask, or -1. */
  firstFit(ask: Ask, bit: number): number {
    const { resources, prospects, asks, blocks } = this.base;
    const [cpuAsked, memoryAsked] = [asks.cpuOf(bit), asks.memoryOf(bit)];
    const { slots, numbers, sizes } = blocks;
    for (let rank = this.next(bit, 0); rank >= 0; rank = this.next(bit, rank + 1)) {
      const block = this.blockAt[rank]!;
      const [start, keys] = [block * blockSize, block * blockNumbers];
      const size = sizes[block]!;
      let best = -1;
      let bestKey = -Infinity;
      for (let i = 0; i < size; i++) {
        const at = keys + i;
        if (numbers[at + cpuOffset]! < cpuAsked || numbers[at + memoryOffset]! < memoryAsked) continue;
        const slot = slots[start + i]!;
        const key = numbers[at]!;
        if (key < bestKey || (key === bestKey && slot > best) || !resources.fits(slot, ask)) continue;
        best = slot;
        bestKey = key;
      }
      if (best >= 0) {
        prospects.set(bit, this.number, bestKey);
        return best;
      }
      this.masks.refuse(rank, bit);
    }
    prospects.set(bit, this.number, -Infinity);
    return -1;
  }

  /** Brings nodes with room for the ask before the visitor, until it wants none that may follow. */
  walk(ask: Ask, bit: number, visitor: Visitor): void {
    let isFirst = true;
    for (let rank = this.next(bit, 0); rank >= 0; rank = this.next(bit, rank + 1)) {
      if (rank > 0 && !visitor.wants(this.boundKeys[rank]!, this.boundSlots[rank]!)) {
        if (isFirst) this.base.prospects.set(bit, this.number, this.boundKeys[rank]!);
        return;
      }
      const highest = this.walkBlock(this.blockAt[rank]!, ask, bit, visitor);
      if (highest === -Infinity) this.masks.refuse(rank, bit);
      else if (isFirst) {
        this.base.prospects.set(bit, this.number, highest);
        isFirst = false;
      }
    }
    if (isFirst) this.base.prospects.set(bit, this.number, -Infinity);
  }

  /** Returns a key that no node in the block with room for the ask exceeds. */
  private walkBlock(block: number, ask: Ask, bit: number, visitor: Visitor): number {
    const { resources, asks, blocks } = this.base;
    const [cpuAsked, memoryAsked] = [asks.cpuOf(bit), asks.memoryOf(bit)];
    const { slots, numbers } = blocks;
    const keys = block * blockNumbers;
    const size = blocks.sizes[block]!;
    let highest = -Infinity;
    for (let i = 0; i < size; i++) {
      const at = keys + i;
      if (numbers[at + cpuOffset]! < cpuAsked || numbers[at + memoryOffset]! < memoryAsked) continue;
      const key = numbers[at]!;
      const slot = slots[block * blockSize + i]!;
      const isWanted = visitor.wants(key, slot);
      // Those that are not wanted need not be looked at closer: they may have room.
      if (isWanted && !resources.fits(slot, ask)) continue;
      if (key > highest) highest = key;
      if (isWanted) visitor.visit(slot, key);
    }
    return highest;
  }

  private next(bit: number, rank: number): number {
    return this.masks.next(bit, rank, this.blocks);
  }

  /** The rank of the last block whose bound is not after this node. */
  private rankFor(key: number, slot: number): number {
    const { boundKeys, boundSlots } = this;
    let low = 0;
    let high = this.blocks - 1;
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if (isBefore(key, slot, boundKeys[middle]!, boundSlots[middle]!)) high = middle - 1;
      else low = middle;
    }
    return low;
  }

  /** Returns the rank of the half in which the node belongs. */
  private split(rank: number, key: number, slot: number): number {
    const { blocks } = this.base;
    const upper = rank + 1;
    this.addBlock(upper);
    const block = this.blockAt[upper]!;
    blocks.split(this.blockAt[rank]!, block);
    const first = blocks.anyOf(block);
    this.boundKeys[upper] = blocks.keyOf(first);
    this.boundSlots[upper] = first;
    this.masks.copy(rank, upper);
    return isBefore(key, slot, this.boundKeys[upper]!, first) ? rank : upper;
  }

  private addBlock(rank: number): void {
    if (this.blocks === this.blockAt.length) this.grow();
    this.masks.insert(rank, this.blocks);
    this.shift(rank, rank + 1, this.blocks++);
    this.blockAt[rank] = this.base.blocks.take();
    this.renumber(rank);
  }

  private removeBlock(rank: number): void {
    this.base.blocks.giveBack(this.blockAt[rank]!);
    this.blocks--;
    this.shift(rank + 1, rank, this.blocks + 1);
    this.masks.remove(rank, this.blocks);
    this.renumber(rank);
  }

  private renumber(from: number): void {
    const { ranks } = this.base.blocks;
    for (let rank = from; rank < this.blocks; rank++) ranks[this.blockAt[rank]!] = rank;
  }

  /** Moves the blocks from `from` up to `end` so that the first of them stands at `to`. */
  private shift(from: number, to: number, end: number): void {
    for (const array of [this.blockAt, this.boundKeys, this.boundSlots]) {
      array.copyWithin(to, from, end);
    }
  }

  private grow(): void {
    this.blockAt = doubled(this.blockAt);
    this.boundKeys = doubled(this.boundKeys);
    this.boundSlots = doubled(this.boundSlots);
  }
}
