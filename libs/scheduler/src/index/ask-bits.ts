import { cpuColumn, memoryColumn, podsColumn, type Ask } from '../resource-table.js';

/** Asks that are told apart at a time; the one used longest ago gives its bit to the next. */
export const maxAsks = 128;
export const maskWords = maxAsks / 32;
const lookedAt = [cpuColumn, memoryColumn, podsColumn];

/**
 * Gives each distinct ask a bit, so that a block of nodes can remember, for all asks at once, which of its nodes may
 * have room. Only cpu, memory and pods are looked at, which is all that most asks are about.
 */
export class AskBits {
  /** Words that have bits in use. */
  wordsUsed = 0;
  private readonly bits = new Map<Ask, number>();
  private readonly cpu = new Float64Array(maxAsks);
  private readonly memory = new Float64Array(maxAsks);
  private readonly pods = new Float64Array(maxAsks);
  private readonly byCpu = new Ladder();
  private readonly byMemory = new Ladder();
  private readonly byPods = new Ladder();
  /** By bit: 1 for an ask for something else too. */
  private readonly more = new Uint8Array(maxAsks);
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
    this.pods[bit] = amountOf(ask, podsColumn);
    this.byCpu.build(this.cpu, this.asks.length);
    this.byMemory.build(this.memory, this.asks.length);
    this.byPods.build(this.pods, this.asks.length);
    this.more[bit] = ask.columns.some((column) => !lookedAt.includes(column)) ? 1 : 0;
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

  /** Whether what is looked at is all that the ask is about. */
  isWhole(bit: number): boolean {
    return this.more[bit] === 0;
  }

  /** Whether this much is enough for the ask of this bit. */
  isEnough(bit: number, cpu: number, memory: number, pods: number): boolean {
    return cpu >= this.cpu[bit]! && memory >= this.memory[bit]! && pods >= this.pods[bit]!;
  }

  /** The bits of all asks for which this much is enough, into the words that are used; false when there is none. */
  fitting(freeCpu: number, freeMemory: number, freePods: number, words: Int32Array): boolean {
    const { byCpu, byMemory, byPods } = this;
    const cpu = byCpu.rung(freeCpu);
    const memory = byMemory.rung(freeMemory);
    const pods = byPods.rung(freePods);
    let any = 0;
    for (let word = 0; word < this.wordsUsed; word++) {
      const all =
        byCpu.sets[cpu + word]! & byMemory.sets[memory + word]! & byPods.sets[pods + word]!;
      words[word] = all;
      any |= all;
    }
    return any !== 0;
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

/** Parts of equal width of the range up to the largest amount. */
const parts = 1_024;

/** Asked amounts of one resource in ascending order, and with each the bits of all that ask for no more. */
class Ladder {
  readonly sets = new Int32Array((maxAsks + 1) * maskWords);
  private readonly amounts = new Float64Array(maxAsks);
  private count = 0;
  /** By part of the range: how many amounts lie below it; a search that halves would guess wrong at each turn. */
  private readonly below = new Uint8Array(parts + 1);
  private partsPerUnit = 0;

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
    this.divide();
  }

  private divide(): void {
    const { amounts, below, count } = this;
    const largest = amounts[count - 1]!;
    this.partsPerUnit = largest > 0 ? parts / largest : 0;
    for (let part = 0, i = 0; part <= parts; part++) {
      while (i < count && (amounts[i]! <= 0 || this.partOf(amounts[i]!) < part)) i++;
      below[part] = i;
    }
  }

  private partOf(amount: number): number {
    return (amount * this.partsPerUnit) | 0;
  }

  /** Where in `sets` the bits of all stand that ask for no more than is free. */
  rung(free: number): number {
    const { amounts, count } = this;
    if (count === 0 || free >= amounts[count - 1]!) return count * maskWords;
    let rung = free >= 0 ? this.below[this.partOf(free)]! : 0;
    while (amounts[rung]! <= free) rung++;
    return rung * maskWords;
  }
}

/** Who asks for nothing fits also where less than nothing is free, since the node shrank under its pods. */
function amountOf({ columns, amounts }: Ask, column: number): number {
  const at = columns.indexOf(column);
  return at < 0 ? -Infinity : amounts[at]!;
}
