import type { Ask, ResourceTable } from '../resource-table.js';

/** Nodes per block; a full block splits in two. */
const blockSize = 64;

/** A run of nodes in order, with the most that any of them has free of each resource. */
interface Block {
  readonly slots: Int32Array;
  size: number;
  /** By column; never less than the truth, and `loose` when it may be more. */
  maxFree: Float64Array;
  loose: boolean;
}

/**
 * Nodes in descending order of a key, then ascending slot, in blocks that can be skipped as a whole when no
 * node in them has enough free. Insertion and removal cost a binary search and a short move.
 */
export class NodeOrder {
  private blocks: Block[] = [];
  private count = 0;

  constructor(
    private readonly resources: ResourceTable,
    /** Keys by slot; owned by the index, which changes one only while the node is not in any order. */
    private readonly keys: { values: Float64Array },
  ) {}

  get size(): number {
    return this.count;
  }

  /** The first node; only when there is one. */
  get first(): number {
    return this.blocks[0]!.slots[0]!;
  }

  insert(slot: number): void {
    this.count++;
    if (this.blocks.length === 0) this.blocks.push(this.emptyBlock());
    const index = this.blockFor(slot);
    let block = this.blocks[index]!;
    if (block.size === blockSize) block = this.split(index, slot);
    let at = block.size;
    while (at > 0 && this.isBefore(slot, block.slots[at - 1]!)) {
      block.slots[at] = block.slots[at - 1]!;
      at--;
    }
    block.slots[at] = slot;
    block.size++;
    this.raise(block, slot);
  }

  remove(slot: number): void {
    const index = this.blockFor(slot);
    const block = this.blocks[index]!;
    const at = block.slots.subarray(0, block.size).indexOf(slot);
    if (at < 0) throw new Error(`slot ${slot} is not in its order`);
    block.slots.copyWithin(at, at + 1, block.size);
    block.loose = true;
    this.count--;
    if (--block.size === 0) this.blocks.splice(index, 1);
  }

  /** More became free on a node whose place did not change. */
  freed(slot: number): void {
    this.raise(this.blocks[this.blockFor(slot)]!, slot);
  }

  /** Less is free on a node whose place did not change. */
  took(slot: number): void {
    this.blocks[this.blockFor(slot)]!.loose = true;
  }

  /**
   * Visits nodes with room for the ask, in order, until `visit` returns false. `visit` must not change
   * the order.
   */
  walk(ask: Ask, visit: (slot: number) => boolean): void {
    for (const block of this.blocks) {
      if (!mayFit(block, ask)) continue;
      let found = false;
      for (let i = 0; i < block.size; i++) {
        const slot = block.slots[i]!;
        if (!this.resources.fits(slot, ask)) continue;
        found = true;
        if (!visit(slot)) return;
      }
      if (!found && block.loose) this.tighten(block);
    }
  }

  /** The first node with room for the ask, or -1. */
  firstFit(ask: Ask): number {
    for (const block of this.blocks) {
      if (!mayFit(block, ask)) continue;
      for (let i = 0; i < block.size; i++) {
        const slot = block.slots[i]!;
        if (this.resources.fits(slot, ask)) return slot;
      }
      if (block.loose) this.tighten(block);
    }
    return -1;
  }

  private isBefore(a: number, b: number): boolean {
    const { values } = this.keys;
    const [x, y] = [values[a]!, values[b]!];
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

  private split(index: number, slot: number): Block {
    const block = this.blocks[index]!;
    const half = blockSize / 2;
    const upper = this.emptyBlock();
    upper.slots.set(block.slots.subarray(half));
    upper.size = block.size - half;
    block.size = half;
    this.blocks.splice(index + 1, 0, upper);
    this.tighten(block);
    this.tighten(upper);
    return this.isBefore(slot, upper.slots[0]!) ? block : upper;
  }

  private emptyBlock(): Block {
    const maxFree = new Float64Array(this.resources.names.length);
    return { slots: new Int32Array(blockSize), size: 0, maxFree, loose: false };
  }

  private raise(block: Block, slot: number): void {
    const { names } = this.resources;
    if (block.maxFree.length < names.length) return this.tighten(block);
    for (let c = 0; c < names.length; c++) {
      const free = this.resources.free(c, slot);
      if (free > block.maxFree[c]!) block.maxFree[c] = free;
    }
  }

  private tighten(block: Block): void {
    const { names } = this.resources;
    if (block.maxFree.length < names.length) block.maxFree = new Float64Array(names.length);
    for (let c = 0; c < names.length; c++) {
      let most = 0;
      for (let i = 0; i < block.size; i++) {
        const free = this.resources.free(c, block.slots[i]!);
        if (free > most) most = free;
      }
      block.maxFree[c] = most;
    }
    block.loose = false;
  }
}

/** A column that is newer than the block was made has nothing free in it: nodes that offer it came later. */
function mayFit({ maxFree }: Block, { columns, amounts }: Ask): boolean {
  for (let i = 0; i < columns.length; i++) {
    const c = columns[i]!;
    if (c >= maxFree.length || maxFree[c]! < amounts[i]!) return false;
  }
  return true;
}
