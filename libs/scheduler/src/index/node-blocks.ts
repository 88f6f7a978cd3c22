import { cpuColumn, memoryColumn, podsColumn, type ResourceTable } from '../resource-table.js';
import { maskWords, type AskBits } from './ask-bits.js';
import { BlockRoom, lowest } from './block-room.js';

/** Nodes per block: as many as one word of places has bits. */
export const blockSize = 32;

/**
 * What a block keeps of each node, in 32 bytes: the key as the first of four large numbers, and of eight small ones in
 * the same memory the slot and the asks for which the node may have room.
 */
const recordWidth = 4;
const smallWidth = 8;
const [slotAt, bitsAt] = [2, 4];
const allPlaces = -1;

/** Of a block: key and slot before which none of its nodes stands, and those before which all of them stand. */
const boundsWidth = 4;
const initialBlocks = 16;
const nowhere = -1;

/**
 * Blocks of nodes for all orders of an index, side by side in few arrays: a decision's time goes into memory that
 * is far apart. Within its block a node stands anywhere, so it comes and goes without moving others.
 */
export class NodeBlocks {
  /** By block and place in it, one record after the other: its large numbers and its small ones. */
  private keys = new Float64Array(initialBlocks * blockSize * recordWidth);
  private records = new Int32Array(this.keys.buffer);
  /** By block: the places where nodes stand, one bit for each. */
  private occupied = new Int32Array(initialBlocks);
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
    if (block >= this.occupied.length) this.grow();
    this.occupied[block] = 0;
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

  isCrowded(block: number): boolean {
    return this.occupied[block] === allPlaces;
  }

  /** Of a node that is in a block. */
  keyOf(slot: number): number {
    return this.keys[this.places[slot]! * recordWidth]!;
  }

  keyAt(block: number, place: number): number {
    return this.keys[(block * blockSize + place) * recordWidth]!;
  }

  slotAt(block: number, place: number): number {
    return this.records[(block * blockSize + place) * smallWidth + slotAt]!;
  }

  /** Finds the asks for which the node has enough; false when there is none. */
  measure(slot: number): boolean {
    const { rows, stride } = this.resources;
    const row = slot * stride;
    const cpu = rows[row + cpuColumn]!;
    const memory = rows[row + memoryColumn]!;
    return this.asks.fitting(cpu, memory, rows[row + podsColumn]!, this.fitting);
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

  /** The places in the block of nodes that may have room for the ask of this bit. */
  placesFor(block: number, bit: number): number {
    const places = this.room.of(block, bit);
    return places === 0 || this.room.isKnown(block, bit) ? places : this.findRoom(block, bit);
  }

  private findRoom(block: number, bit: number): number {
    const { resources, records, asks } = this;
    let found = 0;
    for (let rest = this.occupied[block]!; rest !== 0; rest &= rest - 1) {
      const place = lowest(rest);
      const at = (block * blockSize + place) * smallWidth;
      const slot = records[at + slotAt]!;
      const [cpu, memory] = [resources.free(cpuColumn, slot), resources.free(memoryColumn, slot)];
      const isEnough = asks.isEnough(bit, cpu, memory, resources.free(podsColumn, slot));
      if (isEnough) found |= 1 << place;
      this.setBit(at, bit, isEnough);
    }
    this.room.learn(block, bit, found);
    return found;
  }

  private setBit(record: number, bit: number, value: boolean): void {
    const at = record + bitsAt + (bit >> 5);
    const flag = 1 << (bit & 31);
    if (value) this.records[at]! |= flag;
    else this.records[at]! &= ~flag;
  }

  /** The node at this place lacks something else that the ask of this bit is about, for as long as it does not change. */
  refuse(block: number, bit: number, place: number): void {
    this.setBit((block * blockSize + place) * smallWidth, bit, false);
    this.room.refuse(block, bit, place);
  }

  /** Nothing is known about the ask of this bit any more. */
  forget(block: number, bit: number): void {
    this.room.forget(block, bit, this.occupied[block]!);
  }

  /** Puts the node that was measured last into a block that is not crowded. */
  add(block: number, slot: number, key: number): void {
    const place = lowest(~this.occupied[block]!);
    this.occupied[block]! |= 1 << place;
    const at = block * blockSize + place;
    this.places[slot] = at;
    this.keys[at * recordWidth] = key;
    this.records[at * smallWidth + slotAt] = slot;
    const { wordsUsed } = this.asks;
    for (let i = 0; i < wordsUsed; i++) {
      this.records[at * smallWidth + bitsAt + i] = this.fitting[i]!;
    }
    this.room.enter(block, place, this.fitting, 0, wordsUsed);
  }

  /** Notes the key of the node that was measured last, which stays in its block, and for what it has room now. */
  note(slot: number, key: number): void {
    const { records, fitting, room } = this;
    const at = this.places[slot]!;
    this.keys[at * recordWidth] = key;
    const { wordsUsed } = this.asks;
    for (let i = 0; i < wordsUsed; i++) {
      const word = at * smallWidth + bitsAt + i;
      room.flip(at >> 5, at & 31, i, fitting[i]! ^ records[word]!);
      records[word] = fitting[i]!;
    }
  }

  /** Takes the node out. Returns whether its block is empty now. */
  remove(slot: number): boolean {
    const at = this.places[slot]!;
    this.places[slot] = nowhere;
    return this.clearPlace(at);
  }

  private clearPlace(at: number): boolean {
    const block = at >> 5;
    const { wordsUsed } = this.asks;
    this.room.leave(block, at & 31, this.records, at * smallWidth + bitsAt, wordsUsed);
    this.occupied[block]! &= ~(1 << (at & 31));
    return this.occupied[block] === 0;
  }

  /** Moves the later half of a crowded block, by the order of nodes, to an empty one that follows it. */
  split(block: number, next: number): void {
    const half = blockSize / 2;
    const order = this.sortedPlaces(block);
    this.room.inherit(block, next);
    for (let i = 0; i < half; i++) this.move(block * blockSize + order[half + i]!, next, i);
    this.divideBounds(block, next);
  }

  private move(from: number, block: number, place: number): void {
    const { keys, records } = this;
    const to = block * blockSize + place;
    const start = from * recordWidth;
    this.clearPlace(from);
    keys.copyWithin(to * recordWidth, start, start + recordWidth);
    this.places[records[to * smallWidth + slotAt]!] = to;
    this.occupied[block]! |= 1 << place;
    const bits = to * smallWidth + bitsAt;
    this.room.enter(block, place, records, bits, this.asks.wordsUsed);
  }

  private divideBounds(block: number, next: number): void {
    const [key, first] = [this.keyAt(next, 0), this.slotAt(next, 0)];
    const at = block * boundsWidth;
    const { bounds } = this;
    this.bound(next, key, first, bounds[at + 2]!, bounds[at + 3]!);
    this.bound(block, bounds[at]!, bounds[at + 1]!, key, first);
  }

  /** Places within a crowded block in the order of their nodes; overwritten by the next call. */
  private sortedPlaces(block: number): Int32Array {
    const { sorted } = this;
    for (let i = 0; i < blockSize; i++) {
      const [key, slot] = [this.keyAt(block, i), this.slotAt(block, i)];
      let at = i;
      for (; at > 0; at--) {
        const before = sorted[at - 1]!;
        if (!isBefore(key, slot, this.keyAt(block, before), this.slotAt(block, before))) break;
        sorted[at] = before;
      }
      sorted[at] = i;
    }
    return sorted;
  }

  private grow(): void {
    this.keys = doubled(this.keys);
    this.records = new Int32Array(this.keys.buffer);
    this.occupied = doubled(this.occupied);
    this.ranks = doubled(this.ranks);
    this.owners = doubled(this.owners);
    this.bounds = doubled(this.bounds);
    this.room.grow(this.occupied.length);
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
