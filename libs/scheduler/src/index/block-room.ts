import { maskWords, maxAsks } from './ask-bits.js';

/** A count that is not known: of an ask that got its bit after the nodes came. */
const unknown = 255;

/**
 * For each block of nodes and each ask: whether any of its nodes may have room, and how many have enough cpu and
 * memory, so that a block is passed over as soon as the last of them is gone.
 */
export class BlockRoom {
  private masks = new Int32Array(0);
  private counts = new Uint8Array(0);

  grow(blocks: number): void {
    const masks = new Int32Array(blocks * maskWords);
    masks.set(this.masks);
    this.masks = masks;
    const counts = new Uint8Array(blocks * maxAsks);
    counts.set(this.counts);
    this.counts = counts;
  }

  /** The block has no nodes. */
  clear(block: number): void {
    this.masks.fill(0, block * maskWords, (block + 1) * maskWords);
    this.counts.fill(0, block * maxAsks, (block + 1) * maxAsks);
  }

  mayHave(block: number, bit: number): boolean {
    return (this.masks[block * maskWords + (bit >> 5)]! & (1 << (bit & 31))) !== 0;
  }

  /** Nothing is known about the ask of this bit. */
  forget(block: number, bit: number): void {
    this.counts[block * maxAsks + bit] = unknown;
    this.masks[block * maskWords + (bit >> 5)]! |= 1 << (bit & 31);
  }

  /** Nothing is known about an ask in one half of a divided block of which nothing was known in the whole. */
  inherit(block: number, next: number, used: number): void {
    for (let bit = 0; bit < used * 32; bit++) {
      if (this.counts[block * maxAsks + bit] === unknown) this.forget(next, bit);
    }
  }

  /** No node has room for the ask; `isShort` when none has even the cpu and the memory. */
  refuse(block: number, bit: number, isShort: boolean): void {
    this.masks[block * maskWords + (bit >> 5)]! &= ~(1 << (bit & 31));
    if (isShort) this.counts[block * maxAsks + bit] = 0;
  }

  /** A node with room for the asks of these bits came, or something else about it changed. */
  note(block: number, bits: Int32Array, used: number): void {
    for (let i = 0; i < used; i++) this.masks[block * maskWords + i]! |= bits[i]!;
  }

  /** Counts a node that has enough for the asks of the one set of bits and had so for those of the other. */
  count(block: number, now: Int32Array, before: Int32Array, used: number): void {
    for (let word = 0; word < used; word++) {
      const changed = now[word]! ^ before[word]!;
      if (changed === 0) continue;
      this.add(block, word, changed & now[word]!);
      this.subtract(block, word, changed & before[word]!);
    }
  }

  private add(block: number, word: number, bits: number): void {
    const { counts } = this;
    for (let rest = bits; rest !== 0; rest &= rest - 1) {
      const at = block * maxAsks + word * 32 + 31 - Math.clz32(rest & -rest);
      if (counts[at] !== unknown) counts[at]!++;
    }
    this.masks[block * maskWords + word]! |= bits;
  }

  private subtract(block: number, word: number, bits: number): void {
    const { counts } = this;
    let gone = 0;
    for (let rest = bits; rest !== 0; rest &= rest - 1) {
      const flag = rest & -rest;
      const at = block * maxAsks + word * 32 + 31 - Math.clz32(flag);
      if (counts[at] !== unknown && --counts[at]! === 0) gone |= flag;
    }
    this.masks[block * maskWords + word]! &= ~gone;
  }
}
