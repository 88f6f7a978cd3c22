import { cpuColumn, memoryColumn, type Ask } from '../resource-table.js';

/** Asks that are told apart at a time; the one used longest ago gives its bit to the next. */
export const maxAsks = 128;
export const maskWords = maxAsks / 32;

/**
 * Gives each distinct ask a bit, so that a block of nodes can remember, for all asks at once, whether any of its
 * nodes may have room. Only cpu and memory are looked at: a bit that is set promises nothing, one that is
 * clear promises that no node fits.
 */
export class AskBits {
  /** Words that have bits in use. */
  wordsUsed = 0;
  private readonly bits = new Map<Ask, number>();
  private readonly cpu = new Float64Array(maxAsks);
  private readonly memory = new Float64Array(maxAsks);
  private readonly byCpu = new Ladder();
  private readonly byMemory = new Ladder();
  private readonly asks: (Ask | undefined)[] = [];
  private readonly usedAt = new Float64Array(maxAsks);
  private uses = 0;
  private lastAsk: Ask | undefined;
  private lastBit = 0;

  /** The bit of the ask. When it is given anew, `assigned` must set it everywhere. */
  bitOf(ask: Ask, assigned: (bit: number) => void): number {
    if (ask !== this.lastAsk) {
      this.lastBit = this.bits.get(ask) ?? this.assign(ask, assigned);
      this.lastAsk = ask;
    }
    this.usedAt[this.lastBit] = this.uses++;
    return this.lastBit;
  }

  private assign(ask: Ask, assigned: (bit: number) => void): number {
    const bit = this.vacancy();
    this.bits.set(ask, bit);
    this.asks[bit] = ask;
    this.wordsUsed = (this.asks.length + 31) >> 5;
    this.cpu[bit] = amountOf(ask, cpuColumn);
    this.memory[bit] = amountOf(ask, memoryColumn);
    this.byCpu.build(this.cpu, this.asks.length);
    this.byMemory.build(this.memory, this.asks.length);
    assigned(bit);
    return bit;
  }

  /** The least cpu and memory that a node must have free. */
  cpuOf(bit: number): number {
    return this.cpu[bit]!;
  }

  memoryOf(bit: number): number {
    return this.memory[bit]!;
  }

  /** The bits of all asks for which this much is enough, into the words that are used. */
  fitting(freeCpu: number, freeMemory: number, words: Int32Array): void {
    const { byCpu, byMemory } = this;
    const cpu = byCpu.rung(freeCpu);
    const memory = byMemory.rung(freeMemory);
    for (let word = 0; word < this.wordsUsed; word++) {
      words[word] = byCpu.sets[cpu + word]! & byMemory.sets[memory + word]!;
    }
  }

  private vacancy(): number {
    if (this.asks.length < maxAsks) return this.asks.push(undefined) - 1;
    let oldest = 0;
    for (let bit = 1; bit < maxAsks; bit++) {
      if (this.usedAt[bit]! < this.usedAt[oldest]!) oldest = bit;
    }
    this.bits.delete(this.asks[oldest]!);
    return oldest;
  }
}

/** Asked amounts of one resource in ascending order, and with each the bits of all that ask for no more. */
class Ladder {
  readonly sets = new Int32Array((maxAsks + 1) * maskWords);
  private readonly amounts = new Float64Array(maxAsks);
  private count = 0;

  build(amounts: Float64Array, count: number): void {
    const bits = Array.from({ length: count }, (_, bit) => bit);
    bits.sort((a, b) => (amounts[a]! < amounts[b]! ? -1 : 1));
    this.count = count;
    bits.forEach((bit, i) => {
      const at = (i + 1) * maskWords;
      this.amounts[i] = amounts[bit]!;
      this.sets.copyWithin(at, at - maskWords, at);
      this.sets[at + (bit >> 5)]! |= 1 << (bit & 31);
    });
  }

  /** Where in `sets` the bits of all stand that ask for no more than is free. */
  rung(free: number): number {
    const { amounts } = this;
    let low = 0;
    let high = this.count;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (amounts[middle]! <= free) low = middle + 1;
      else high = middle;
    }
    return low * maskWords;
  }
}

/** Who asks for nothing fits also where less than nothing is free, since the node shrank under its pods. */
function amountOf({ columns, amounts }: Ask, column: number): number {
  const at = columns.indexOf(column);
  return at < 0 ? -Infinity : amounts[at]!;
}
