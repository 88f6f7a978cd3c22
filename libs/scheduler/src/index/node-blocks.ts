import { cpuColumn, memoryColumn, type ResourceTable } from '../resource-table.js';

/** Nodes per block. */
export const blockSize = 32;
/** Numbers that a block keeps of each node beside its slot: the key, and what cpu and memory are free. */
const fields = 3;
export const blockNumbers = blockSize * fields;
/** From a node's key to its free cpu, and to its free memory. */
export const cpuOffset = blockSize;
export const memoryOffset = blockSize * 2;

const initialBlocks = 16;

/**
 * Blocks of nodes for all orders of an index, side by side in few arrays: a decision's time goes into memory that
 * is far apart. Within its block a node stands anywhere, so it comes and goes without moving others.
 */
export class NodeBlocks {
  /** By block and place in it. */
  slots = new Int32Array(initialBlocks * blockSize);
  /** By block: all keys, then what cpu of each is free (most that lack room are seen here), then memory. */
  numbers = new Float64Array(initialBlocks * blockNumbers);
  sizes = new Int32Array(initialBlocks);
  /** By block: where it stands among the blocks of its order. */
  ranks = new Int32Array(initialBlocks);
  /** By slot: the place, which is the block times its size plus the place in it. */
  private places = new Int32Array(64);
  private readonly vacant: number[] = [];
  private used = 0;
  private readonly order = new Int32Array(blockSize);

  constructor(private readonly resources: ResourceTable) {}

  growSlots(capacity: number): void {
    const places = new Int32Array(capacity);
    places.set(this.places);
    this.places = places;
  }

  /** All blocks are free again. */
  clear(): void {
    this.vacant.length = 0;
    this.used = 0;
  }

  /** An empty block. */
  take(): number {
    const block = this.vacant.pop() ?? this.used++;
    if (block >= this.sizes.length) this.grow();
    this.sizes[block] = 0;
    return block;
  }

  giveBack(block: number): void {
    this.vacant.push(block);
  }

  blockOf(slot: number): number {
    return (this.places[slot]! / blockSize) | 0;
  }

  keyOf(slot: number): number {
    const place = this.places[slot]!;
    const block = (place / blockSize) | 0;
    return this.numbers[block * blockNumbers + (place % blockSize)]!;
  }

  /** Any node of a block that has one. */
  anyOf(block: number): number {
    return this.slots[block * blockSize]!;
  }

  /** Puts the node into a block that is not full. */
  add(block: number, slot: number, key: number): void {
    const at = this.sizes[block]!++;
    this.slots[block * blockSize + at] = slot;
    this.places[slot] = block * blockSize + at;
    this.note(slot, key);
  }

  /** Notes the node's key, and what is free of it now. */
  note(slot: number, key: number): void {
    const { numbers, resources } = this;
    const place = this.places[slot]!;
    const at = ((place / blockSize) | 0) * blockNumbers + (place % blockSize);
    numbers[at] = key;
    numbers[at + cpuOffset] = resources.free(cpuColumn, slot);
    numbers[at + memoryOffset] = resources.free(memoryColumn, slot);
  }

  /** Takes the node out; the last of its block takes its place. Returns how many are left there. */
  remove(slot: number): number {
    const place = this.places[slot]!;
    const block = (place / blockSize) | 0;
    const left = --this.sizes[block]!;
    if (place % blockSize !== left) this.copy(block * blockSize + left, place);
    return left;
  }

  /** Moves the later half of a full block, by the order of nodes, to an empty one, the first of them ahead. */
  split(block: number, upper: number): void {
    const half = blockSize / 2;
    const order = this.sorted(block);
    const start = block * blockSize;
    for (let i = 0; i < half; i++) this.copy(start + order[half + i]!, upper * blockSize + i);
    // What stays but stands in the later half of the places takes those that became free.
    let gap = half;
    for (let i = 0; i < half; i++) {
      if (order[i]! < half) continue;
      while (order[gap]! >= half) gap++;
      this.copy(start + order[i]!, start + order[gap++]!);
    }
    this.sizes[block] = half;
    this.sizes[upper] = half;
  }

  /** Places within a full block in the order of their nodes; overwritten by the next call. */
  private sorted(block: number): Int32Array {
    const { order, slots, numbers } = this;
    const [start, keys] = [block * blockSize, block * blockNumbers];
    for (let i = 0; i < blockSize; i++) {
      const [key, slot] = [numbers[keys + i]!, slots[start + i]!];
      let at = i;
      for (; at > 0; at--) {
        const before = order[at - 1]!;
        if (!isBefore(key, slot, numbers[keys + before]!, slots[start + before]!)) break;
        order[at] = before;
      }
      order[at] = i;
    }
    return order;
  }

  private copy(from: number, to: number): void {
    const slot = this.slots[from]!;
    this.slots[to] = slot;
    this.places[slot] = to;
    const { numbers } = this;
    const source = ((from / blockSize) | 0) * blockNumbers + (from % blockSize);
    const target = ((to / blockSize) | 0) * blockNumbers + (to % blockSize);
    for (let field = 0; field < blockNumbers; field += blockSize) {
      numbers[target + field] = numbers[source + field]!;
    }
  }

  private grow(): void {
    this.slots = doubled(this.slots);
    this.numbers = doubled(this.numbers);
    this.sizes = doubled(this.sizes);
    this.ranks = doubled(this.ranks);
  }
}

/** The same numbers, with as much room again. */
export function doubled<T extends Int32Array | Float64Array>(array: T): T {
  const larger = new (array.constructor as new (length: number) => T)(array.length * 2);
  larger.set(array);
  return larger;
}

/** Nodes stand in descending order of their keys, then ascending by slot. */
export function isBefore(key: number, slot: number, otherKey: number, otherSlot: number): boolean {
  return key > otherKey || (key === otherKey && slot < otherSlot);
}
