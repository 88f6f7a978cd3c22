import { maskWords, maxAsks } from './ask-bits.js';

/**
 * For each ask and each block of nodes: at which places of the block nodes stand that may have room, one bit for each.
 * What is known of one ask lies together, so that blocks without room are passed over at a glance.
 */
export class BlockRoom {
  /** By ask, then by block. */
  private places = new Int32Array(0);
  private width = 0;
  /** By block: the asks that got their bits after its nodes came. Nothing is known about them: all may have room. */
  private unknown = new Int32Array(0);

  grow(blocks: number): void {
    const places = new Int32Array(maxAsks * blocks);
    for (let bit = 0; bit < maxAsks; bit++) {
      const row = this.places.subarray(bit * this.width, (bit + 1) * this.width);
      places.set(row, bit * blocks);
    }
    this.places = places;
    this.width = blocks;
    const unknown = new Int32Array(blocks * maskWords);
    unknown.set(this.unknown);
    this.unknown = unknown;
  }

  /** The block has no nodes. */
  clear(block: number): void {
    for (let bit = 0; bit < maxAsks; bit++) this.places[bit * this.width + block] = 0;
    this.unknown.fill(0, block * maskWords, (block + 1) * maskWords);
  }

  /** The places of nodes that may have room. */
  of(block: number, bit: number): number {
    return this.places[bit * this.width + block]!;
  }

  isKnown(block: number, bit: number): boolean {
    return (this.unknown[block * maskWords + (bit >> 5)]! & (1 << (bit & 31))) === 0;
  }

  /** Nothing is known any more about this ask and the nodes at these places, which are all. */
  forget(block: number, bit: number, occupied: number): void {
    this.places[bit * this.width + block] = occupied;
    this.unknown[block * maskWords + (bit >> 5)]! |= 1 << (bit & 31);
  }

  /** Nodes have room for this ask at these places and no others. */
  learn(block: number, bit: number, places: number): void {
    this.places[bit * this.width + block] = places;
    this.unknown[block * maskWords + (bit >> 5)]! &= ~(1 << (bit & 31));
  }

  /** Nothing is known about an ask in one half of a divided block of which nothing was known in the whole. */
  inherit(block: number, next: number): void {
    const from = block * maskWords;
    this.unknown.copyWithin(next * maskWords, from, from + maskWords);
  }

  /** The node at this place has no room for the ask. */
  refuse(block: number, bit: number, place: number): void {
    this.places[bit * this.width + block]! &= ~(1 << place);
  }

  /** A node came to this place, with room for the asks of the bits from there on in the words. */
  enter(block: number, place: number, words: Int32Array, from: number, used: number): void {
    const { places, width } = this;
    const flag = 1 << place;
    for (let word = 0; word < used; word++) {
      const bits = words[from + word]! | this.unknown[block * maskWords + word]!;
      for (let rest = bits; rest !== 0; rest &= rest - 1) {
        places[(word * 32 + lowest(rest)) * width + block]! |= flag;
      }
    }
  }

  /** The node at this place left, that had room for the asks of these bits. What is not known may stay as it is. */
  leave(block: number, place: number, words: Int32Array, from: number, used: number): void {
    const { places, width } = this;
    const flag = ~(1 << place);
    for (let word = 0; word < used; word++) {
      for (let rest = words[from + word]!; rest !== 0; rest &= rest - 1) {
        places[(word * 32 + lowest(rest)) * width + block]! &= flag;
      }
    }
  }

  /** The node at this place has room for other asks than before: these bits of one word differ. */
  flip(block: number, place: number, word: number, changed: number): void {
    const { places, width } = this;
    const flag = 1 << place;
    const bits = changed & ~this.unknown[block * maskWords + word]!;
    for (let rest = bits; rest !== 0; rest &= rest - 1) {
      places[(word * 32 + lowest(rest)) * width + block]! ^= flag;
    }
  }
}

/** The number of the lowest bit that is set. */
export function lowest(bits: number): number {
  return 31 - Math.clz32(bits & -bits);
}
