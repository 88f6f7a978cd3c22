import { maxAsks } from './ask-bits.js';

const initialGroups = 16;

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

  /**
   * Which of the groups from one index up to another promises most: base plus weight times key; -1 when none has
   * room. All of them are seen in one pass over two rows of numbers.
   */
  most(
    bit: number,
    groups: Int32Array,
    bases: Float64Array,
    from: number,
    to: number,
    weight: number,
  ): number {
    const { keys } = this;
    const row = bit * this.width;
    let most = -Infinity;
    let first = -1;
    for (let i = from; i < to; i++) {
      const key = keys[row + groups[i]!]!;
      const promise = weight === 0 && key !== -Infinity ? bases[i]! : bases[i]! + weight * key;
      // Nothing is more than what no group promises, nor than what zero times infinity is.
      if (!(promise > most)) continue;
      first = i;
      most = promise;
    }
    return first;
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
