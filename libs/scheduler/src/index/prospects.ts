import { maxAsks } from './ask-bits.js';

const initialGroups = 16;

/** Groups side by side: their numbers, and what each gives to all its nodes. */
export interface GroupList {
  readonly numbers: Int32Array;
  readonly bases: Float64Array;
  /** Scratch space: what each promised when it was compared last. */
  readonly promises: Float64Array;
}

/**
 * For each ask and each group: a key that no node with room for the ask exceeds, as small as is known. What is
 * known of one ask lies together, so that a search sees at a glance which groups are worth a visit.
 */
export class Prospects {
  /** By ask, then by group. */
  private keys = new Float64Array(maxAsks * initialGroups).fill(-Infinity);
  private width = initialGroups;

  at(bit: number, group: number): number {
    return this.keys[bit * this.width + group]!;
  }

  /** The place of the most promising group in the list, and what it and the next one promise. */
  first = -1;
  most = -Infinity;
  second = -Infinity;

  /** Begins a comparison of groups; `compare` goes on with it. */
  beginComparison(): void {
    this.first = -1;
    this.most = -Infinity;
    this.second = -Infinity;
  }

  /**
   * What the groups in a part of the list promise: base and rating plus weight times key; -Infinity without room.
   * All of them are seen in one pass over rows of numbers.
   */
  compare(
    bit: number,
    { numbers, bases, promises }: GroupList,
    from: number,
    to: number,
    rating: number,
    weight: number,
  ): void {
    const { keys } = this;
    const row = bit * this.width;
    let { first, most, second } = this;
    for (let i = from; i < to; i++) {
      const key = keys[row + numbers[i]!]!;
      // Zero times infinity is not a number.
      const own = weight === 0 ? 0 : weight * key;
      const promise = key === -Infinity ? key : bases[i]! + rating + own;
      promises[i] = promise;
      if (promise <= second) continue;
      if (promise > most) {
        second = most;
        most = promise;
        first = i;
      } else second = promise;
    }
    this.first = first;
    this.most = most;
    this.second = second;
  }

  /** A node with this key came into the group and may have room for the asks of these bits, in the words used. */
  raise(bits: Int32Array, used: number, group: number, key: number): void {
    const { keys, width } = this;
    for (let word = 0; word < used; word++) {
      for (let rest = bits[word]!; rest !== 0; rest &= rest - 1) {
        const at = (word * 32 + 31 - Math.clz32(rest & -rest)) * width + group;
        if (keys[at]! < key) keys[at] = key;
      }
    }
  }

  /** A search found that no node with a larger key has room. */
  set(bit: number, group: number, key: number): void {
    this.keys[bit * this.width + group] = key;
  }

  /** Nothing is known about this ask in any group. */
  forget(bit: number): void {
    this.keys.fill(Infinity, bit * this.width, (bit + 1) * this.width);
  }

  /** The group of this number has no nodes yet. */
  begin(group: number): void {
    while (group >= this.width) this.grow();
    for (let bit = 0; bit < maxAsks; bit++) this.set(bit, group, -Infinity);
  }

  private grow(): void {
    const larger = new Float64Array(this.keys.length * 2).fill(-Infinity);
    for (let bit = 0; bit < maxAsks; bit++) {
      const row = this.keys.subarray(bit * this.width, (bit + 1) * this.width);
      larger.set(row, bit * this.width * 2);
    }
    this.keys = larger;
    this.width *= 2;
  }
}
