import type { Ask, ResourceTable } from '../resource-table.js';
import type { AskBits } from './ask-bits.js';
import type { FullNodes } from './full-nodes.js';
import { lowest } from './block-room.js';
import { doubled, isBefore, type NodeBlocks } from './node-blocks.js';
import type { Prospects } from './prospects.js';

const initialBlocks = 4;
const beforeAllSlots = -1;

/** What all orders of an index share. */
export interface OrderBase {
  readonly resources: ResourceTable;
  readonly asks: AskBits;
  readonly prospects: Prospects;
  readonly blocks: NodeBlocks;
  readonly full: FullNodes;
}

/** Who walks an order. */
export interface Visitor {
  /** Whether this node is worth a visit by its key; if not, none that stands after it is. */
  wants(key: number, slot: number): boolean;
  visit(slot: number, key: number): void;
}

/**
 * Nodes in descending order of a key, then ascending slot, as far as blocks go: each block has the nodes from its
 * bound to that of the next one, in no order, and is known to have no room for some asks. Full nodes are in none.
 */
export class NodeOrder {
  /** By rank: the block. */
  private blockAt = new Int32Array(initialBlocks);
  private blocks = 0;

  /** `number` is that of the group for the prospects. */
  constructor(
    private readonly base: OrderBase,
    readonly number: number,
  ) {
    base.prospects.begin(number);
  }

  /** Of a node with room for an ask. */
  keyOf(slot: number): number {
    return this.base.blocks.keyOf(slot);
  }

  /** The node's key or what is free of it may have changed, or it is new here. */
  changed(slot: number, key: number): void {
    const { blocks, full, prospects, asks } = this.base;
    const hasRoom = blocks.measure(slot);
    if (hasRoom && blocks.isInBlock(slot) && blocks.isWithin(blocks.blockOf(slot), key, slot)) {
      blocks.note(slot, key);
    } else {
      if (blocks.isInBlock(slot)) this.take(slot);
      if (!hasRoom) return full.add(slot, this.number);
      this.put(slot, key);
    }
    prospects.raise(blocks.fitting, asks.wordsUsed, this.number, key);
  }

  remove(slot: number): void {
    const { blocks } = this.base;
    if (blocks.isInBlock(slot)) this.take(slot);
    blocks.leave(slot);
  }

  private put(slot: number, key: number): void {
    const { blocks } = this.base;
    if (this.blocks === 0) this.addBlock(0);
    let rank = this.rankFor(key, slot);
    if (blocks.isCrowded(this.blockAt[rank]!)) rank = this.split(rank, key, slot);
    blocks.add(this.blockAt[rank]!, slot, key);
  }

  private take(slot: number): void {
    const { blocks } = this.base;
    const block = blocks.blockOf(slot);
    // The only block stays, since nodes of few come and go all the time.
    if (blocks.remove(slot) && this.blocks > 1) this.removeBlock(block);
  }

  /** Nothing is known about the ask of this bit any more. */
  allow(bit: number): void {
    for (let rank = 0; rank < this.blocks; rank++) {
      this.base.blocks.forget(this.blockAt[rank]!, bit);
    }
  }

  /** The first node with room for the ask, or -1. */
  firstFit(ask: Ask, bit: number): number {
    const { prospects, blocks } = this.base;
    for (let rank = this.startFor(bit); rank < this.blocks; rank++) {
      const block = this.blockAt[rank]!;
      if (blocks.room.of(block, bit) === 0) continue;
      const place = this.bestIn(block, ask, bit);
      if (place < 0) continue;
      prospects.set(bit, this.number, blocks.keyAt(block, place));
      return blocks.slotAt(block, place);
    }
    prospects.set(bit, this.number, -Infinity);
    return -1;
  }

  /** The place of the block's first node with room for the ask, or -1. */
  private bestIn(block: number, ask: Ask, bit: number): number {
    const { blocks } = this.base;
    let best = -1;
    let bestKey = -Infinity;
    for (let rest = blocks.placesFor(block, bit); rest !== 0; rest &= rest - 1) {
      const place = lowest(rest);
      const key = blocks.keyAt(block, place);
      if (key < bestKey) continue;
      const isLater =
        key === bestKey && best >= 0 && blocks.slotAt(block, place) > blocks.slotAt(block, best);
      if (isLater || !this.fits(block, place, ask, bit)) continue;
      best = place;
      bestKey = key;
    }
    return best;
  }

  /** Of a node that may have room. */
  private fits(block: number, place: number, ask: Ask, bit: number): boolean {
    const { resources, blocks, asks } = this.base;
    if (asks.isWhole(bit) || resources.fits(blocks.slotAt(block, place), ask)) return true;
    blocks.refuse(block, bit, place);
    return false;
  }

  /** Brings nodes with room for the ask before the visitor, until it wants none that may follow. */
  walk(ask: Ask, bit: number, visitor: Visitor): void {
    const { blocks, prospects } = this.base;
    let isFirst = true;
    for (let rank = this.startFor(bit); rank < this.blocks; rank++) {
      const block = this.blockAt[rank]!;
      if (blocks.room.of(block, bit) === 0) continue;
      const top = blocks.topKey(block);
      if (rank > 0 && !visitor.wants(top, blocks.topSlot(block))) {
        if (isFirst) prospects.set(bit, this.number, top);
        return;
      }
      const highest = this.walkBlock(block, ask, bit, visitor);
      if (isFirst && highest !== -Infinity) {
        prospects.set(bit, this.number, highest);
        isFirst = false;
      }
    }
    if (isFirst) prospects.set(bit, this.number, -Infinity);
  }

  /** Returns a key that no node in the block with room for the ask exceeds. */
  private walkBlock(block: number, ask: Ask, bit: number, visitor: Visitor): number {
    const { blocks } = this.base;
    let highest = -Infinity;
    for (let rest = blocks.placesFor(block, bit); rest !== 0; rest &= rest - 1) {
      const place = lowest(rest);
      const key = blocks.keyAt(block, place);
      const slot = blocks.slotAt(block, place);
      const isWanted = visitor.wants(key, slot);
      // Those that are not wanted need not be looked at closer: they may have room.
      if (isWanted && !this.fits(block, place, ask, bit)) continue;
      if (key > highest) highest = key;
      if (isWanted) visitor.visit(slot, key);
    }
    return highest;
  }

  /** The rank of the first block that may have a node with room for the ask of this bit. */
  private startFor(bit: number): number {
    return this.rankFor(this.base.prospects.at(bit, this.number), beforeAllSlots);
  }

  /** The rank of the last block whose bound is not after this node. */
  private rankFor(key: number, slot: number): number {
    const { blocks } = this.base;
    let low = 0;
    let high = this.blocks - 1;
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      const block = this.blockAt[middle]!;
      if (isBefore(key, slot, blocks.topKey(block), blocks.topSlot(block))) high = middle - 1;
      else low = middle;
    }
    return low;
  }

  /** Returns the rank of the half in which the node belongs. */
  private split(rank: number, key: number, slot: number): number {
    const { blocks } = this.base;
    const next = rank + 1;
    this.addBlock(next);
    const block = this.blockAt[rank]!;
    blocks.split(block, this.blockAt[next]!);
    return blocks.isWithin(block, key, slot) ? rank : next;
  }

  private addBlock(rank: number): void {
    if (this.blocks === this.blockAt.length) this.blockAt = doubled(this.blockAt);
    this.blockAt.copyWithin(rank + 1, rank, this.blocks++);
    this.blockAt[rank] = this.base.blocks.take(this.number);
    this.renumber(rank);
  }

  /** The block before it, or else the one after it, has its range from now on. */
  private removeBlock(block: number): void {
    const { blocks } = this.base;
    const rank = blocks.ranks[block]!;
    if (rank > 0) blocks.extend(this.blockAt[rank - 1]!, block);
    else blocks.openTop(this.blockAt[1]!);
    this.blockAt.copyWithin(rank, rank + 1, this.blocks--);
    blocks.giveBack(block);
    this.renumber(rank);
  }

  private renumber(from: number): void {
    const { ranks } = this.base.blocks;
    for (let rank = from; rank < this.blocks; rank++) ranks[this.blockAt[rank]!] = rank;
  }
}
