import { maskWords, type AskBits } from './ask-bits.js';

const initialCapacity = 4;

/**
 * For each block of an order and each ask: whether any node in the block may have room. Words of all blocks lie
 * side by side, so that finding the next possible block is one pass over a short array.
 */
export class BlockMasks {
  private words = Array.from({ length: maskWords }, () => new Int32Array(initialCapacity));

  constructor(private readonly asks: AskBits) {}

  /** Makes place for a block at this index among `count`; it has room for nothing yet. */
  insert(index: number, count: number): void {
    if (count === this.words[0]!.length) this.grow();
    for (const word of this.words) {
      word.copyWithin(index + 1, index, count);
      word[index] = 0;
    }
  }

  /** Takes a block away, of which `count` are left. */
  remove(index: number, count: number): void {
    for (const word of this.words) word.copyWithin(index, index + 1, count + 1);
  }

  copy(from: number, to: number): void {
    for (const word of this.words) word[to] = word[from]!;
  }

  /** Sets the given bits, one word after the other. */
  allow(index: number, bits: Int32Array): void {
    for (let i = 0; i < this.asks.wordsUsed; i++) this.words[i]![index]! |= bits[i]!;
  }

  allowEverywhere(bit: number, count: number): void {
    const word = this.words[bit >> 5]!;
    for (let i = 0; i < count; i++) word[i]! |= 1 << (bit & 31);
  }

  refuse(index: number, bit: number): void {
    this.words[bit >> 5]![index]! &= ~(1 << (bit & 31));
  }

  /** The first block from `start` on, below `count`, whose bit is set; or -1. */
  next(bit: number, start: number, count: number): number {
    const word = this.words[bit >> 5]!;
    const flag = 1 << (bit & 31);
    for (let i = start; i < count; i++) if ((word[i]! & flag) !== 0) return i;
    return -1;
  }

  private grow(): void {
    this.words = this.words.map((word) => {
      const larger = new Int32Array(word.length * 2);
      larger.set(word);
      return larger;
    });
  }
}
