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

  /** A node with this key came into the group and may have room for the asks of these bits. */
  raise(bits: Int32Array, group: number, key: number): void {
    const { keys, width } = this;
    for (let word = 0; word < bits.length; word++) {
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
