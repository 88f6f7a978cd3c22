import { cpuColumn, memoryColumn, type ResourceTable } from '../resource-table.js';
import { maskWords, type AskBits } from './ask-bits.js';
import { BlockRoom } from './block-room.js';

/** Nodes per block. */
export const blockSize = 32;

/** Numbers that a block keeps of each node: the key, what cpu and memory are free, and the slot. */
export const recordWidth = 4;
export const [cpuAt, memoryAt, slotAt] = [1, 2, 3];
const blockWidth = blockSize * recordWidth;

/** Of a block: key and slot before which none of its nodes stands, and those before which all of them stand. */
const boundsWidth = 4;
const initialBlocks = 16;
const nowhere = -1;

/**
 * Blocks of nodes for all orders of an index, side by side in few arrays: a decision's time goes into memory that
 * is far apart. Within its block a node stands anywhere, so it comes and goes without moving others.
 */
export class NodeBlocks {
  /** By block and place in it, one record after the other. */
  records = new Float64Array(initialBlocks * blockWidth);
  sizes = new Int32Array(initialBlocks);
  /** By block: where it stands among the blocks of its order. */
  ranks = new Int32Array(initialBlocks);
  /** By block: the number of its order. */
  private owners = new Int32Array(initialBlocks);
  private bounds = new Float64Array(initialBlocks * boundsWidth);
  /** By slot: the block times its size plus the place in it; for a full node what `fullOf` gives. */
  private places = new Int32Array(64).fill(nowhere);
  readonly room = new BlockRoom();
  /** The asks for which the node that was measured last has enough; read before the next change. */
  readonly fitting = new Int32Array(maskWords);
  private readonly vacant: number[] = [];
  private used = 0;
  private readonly sorted = new Int32Array(blockSize);

  private readonly before = new Int32Array(maskWords);
  private readonly none = new Int32Array(maskWords);

  constructor(
    private readonly resources: ResourceTable,
    private readonly asks: AskBits,
  ) {
    this.room.grow(initialBlocks);
  }

  growSlots(capacity: number): void {
    const places = new Int32Array(capacity).fill(nowhere);
    places.set(this.places);
    this.places = places;
  }

  /** All blocks are free again. */
  clear(): void {
    this.vacant.length = 0;
    this.used = 0;
    this.places.fill(nowhere);
  }

  /** An empty block without bounds for this order, with room for no ask. */
  take(owner: number): number {
    const block = this.vacant.pop() ?? this.used++;
    if (block >= this.sizes.length) this.grow();
    this.sizes[block] = 0;
    this.owners[block] = owner;
    this.bound(block, Infinity, nowhere, -Infinity, Infinity);
    this.room.clear(block);
    return block;
  }

  giveBack(block: number): void {
    this.vacant.push(block);
  }

  /** The block of a node that is in one. */
  blockOf(slot: number): number {
    return this.places[slot]! >> 5;
  }

  isInBlock(slot: number): boolean {
    return this.places[slot]! >= 0;
  }

  isFull(slot: number): boolean {
    return this.places[slot]! < nowhere;
  }

  /** The number of the order to which the node belongs; -1 when it belongs to none. */
  ownerOf(slot: number): number {
    const place = this.places[slot]!;
    return place >= 0 ? this.owners[place >> 5]! : fullOf(place);
  }

  /** The node belongs to this order, but is in none of its blocks, having room for no known ask. */
  setFull(slot: number, owner: number): void {
    this.places[slot] = fullOf(owner);
  }

  /** A node that is in no block belongs to no order any more. */
  leave(slot: number): void {
    this.places[slot] = nowhere;
  }

  /** Of a node that is in a block. */
  keyOf(slot: number): number {
    return this.records[this.places[slot]! * recordWidth]!;
  }

  /** Finds the asks for which the node has enough; false when there is none. */
  measure(slot: number): boolean {
    const { resources, fitting } = this;
    const cpu = resources.free(cpuColumn, slot);
    return this.asks.fitting(cpu, resources.free(memoryColumn, slot), fitting);
  }

  isWithin(block: number, key: number, slot: number): boolean {
    const { bounds } = this;
    const at = block * boundsWidth;
    if (isBefore(key, slot, bounds[at]!, bounds[at + 1]!)) return false;
    return isBefore(key, slot, bounds[at + 2]!, bounds[at + 3]!);
  }

  /** The first block of an order has the upper bound (Infinity, -1), the last one the lower (-Infinity, Infinity). */
  private bound(block: number, key: number, slot: number, endKey: number, endSlot: number): void {
    const at = block * boundsWidth;
    this.bounds[at] = key;
    this.bounds[at + 1] = slot;
    this.bounds[at + 2] = endKey;
    this.bounds[at + 3] = endSlot;
  }

  topKey(block: number): number {
    return this.bounds[block * boundsWidth]!;
  }

  topSlot(block: number): number {
    return this.bounds[block * boundsWidth + 1]!;
  }

  /** Extends the block over the range of the one after it. */
  extend(block: number, next: number): void {
    const [to, from] = [block * boundsWidth + 2, next * boundsWidth + 2];
    this.bounds.copyWithin(to, from, from + 2);
  }

  /** The block is the first of its order now. */
  openTop(block: number): void {
    this.bounds[block * boundsWidth] = Infinity;
    this.bounds[block * boundsWidth + 1] = nowhere;
  }

  /** Puts the node that was measured last into a block that is not full. */
  add(block: number, slot: number, key: number): void {
    const place = block * blockSize + this.sizes[block]!++;
    this.places[slot] = place;
    this.records[place * recordWidth + slotAt] = slot;
    this.write(place, slot, key);
    this.room.count(block, this.fitting, this.none, this.asks.wordsUsed);
  }

  /** Notes the key of the node that was measured last, which stays in its block, and what is free of it now. */
  note(slot: number, key: number): void {
    const place = this.places[slot]!;
    const block = place >> 5;
    const { wordsUsed } = this.asks;
    this.fittingAt(place, this.before);
    this.write(place, slot, key);
    this.room.count(block, this.fitting, this.before, wordsUsed);
    this.room.note(block, this.fitting, wordsUsed);
  }

  private write(place: number, slot: number, key: number): void {
    const { records, resources } = this;
    const at = place * recordWidth;
    records[at] = key;
    records[at + cpuAt] = resources.free(cpuColumn, slot);
    records[at + memoryAt] = resources.free(memoryColumn, slot);
  }

  private fittingAt(place: number, words: Int32Array): void {
    const at = place * recordWidth;
    this.asks.fitting(this.records[at + cpuAt]!, this.records[at + memoryAt]!, words);
  }

  /** Takes the node out; the last of its block takes its place. Returns how many are left there. */
  remove(slot: number): number {
    const place = this.places[slot]!;
    const block = place >> 5;
    const left = --this.sizes[block]!;
    this.fittingAt(place, this.before);
    this.room.count(block, this.none, this.before, this.asks.wordsUsed);
    this.places[slot] = nowhere;
    const last = block * blockSize + left;
    if (place !== last) this.copy(last, place);
    return left;
  }

  /** Moves the later half of a full block, by the order of nodes, to an empty one that follows it. */
  split(block: number, next: number): void {
    const half = blockSize / 2;
    const order = this.sortedPlaces(block);
    const start = block * blockSize;
    const { wordsUsed } = this.asks;
    this.room.inherit(block, next, wordsUsed);
    for (let i = 0; i < half; i++) {
      const from = start + order[half + i]!;
      this.fittingAt(from, this.before);
      this.room.count(block, this.none, this.before, wordsUsed);
      this.room.count(next, this.before, this.none, wordsUsed);
      this.copy(from, next * blockSize + i);
    }
    // What stays but stands in the later half of the places takes those that became free.
    let gap = half;
    for (let i = 0; i < half; i++) {
      if (order[i]! < half) continue;
      while (order[gap]! >= half) gap++;
      this.copy(start + order[i]!, start + order[gap++]!);
    }
    this.sizes[block] = half;
    this.sizes[next] = half;
    this.divideBounds(block, next);
  }

  private divideBounds(block: number, next: number): void {
    const start = next * blockWidth;
    const [key, first] = [this.records[start]!, this.records[start + slotAt]!];
    const at = block * boundsWidth;
    const { bounds } = this;
    this.bound(next, key, first, bounds[at + 2]!, bounds[at + 3]!);
    this.bound(block, bounds[at]!, bounds[at + 1]!, key, first);
  }

  /** Places within a full block in the order of their nodes; overwritten by the next call. */
  private sortedPlaces(block: number): Int32Array {
    const { sorted, records } = this;
    const start = block * blockWidth;
    for (let i = 0; i < blockSize; i++) {
      const from = start + i * recordWidth;
      const [key, slot] = [records[from]!, records[from + slotAt]!];
      let at = i;
      for (; at > 0; at--) {
        const before = start + sorted[at - 1]! * recordWidth;
        if (!isBefore(key, slot, records[before]!, records[before + slotAt]!)) break;
        sorted[at] = sorted[at - 1]!;
      }
      sorted[at] = i;
    }
    return sorted;
  }

  private copy(from: number, to: number): void {
    const { records } = this;
    const [source, target] = [from * recordWidth, to * recordWidth];
    for (let i = 0; i < recordWidth; i++) records[target + i] = records[source + i]!;
    this.places[records[source + slotAt]!] = to;
  }

  private grow(): void {
    this.records = doubled(this.records);
    this.sizes = doubled(this.sizes);
    this.ranks = doubled(this.ranks);
    this.owners = doubled(this.owners);
    this.bounds = doubled(this.bounds);
    this.room.grow(this.sizes.length);
  }
}

/** The same numbers, with as much room again. */
export function doubled<T extends Int32Array | Float64Array>(array: T): T {
  const larger = new (array.constructor as new (length: number) => T)(array.length * 2);
  larger.set(array);
  return larger;
}

/** From the number of an order to the mark of its full nodes, and back; -1 stays -1. */
function fullOf(number: number): number {
  return -2 - number;
}

/** Nodes stand in descending order of their keys, then ascending by slot. */
export function isBefore(key: number, slot: number, otherKey: number, otherSlot: number): boolean {
  return key > otherKey || (key === otherKey && slot < otherSlot);
}
