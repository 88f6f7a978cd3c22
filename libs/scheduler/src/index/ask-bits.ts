import { cpuColumn, memoryColumn, type Ask, type ResourceTable } from '../resource-table.js';

/** Asks that are told apart at a time; the one used longest ago gives its bit to the next. */
export const maxAsks = 128;
export const maskWords = maxAsks / 32;

/**
 * Gives each distinct ask a bit, so that a block of nodes can remember, for all asks at once, whether any of its
 * nodes may have room. Only cpu and memory are looked at: a bit that is set promises nothing, one that is
 * clear promises that no node fits.
 */
export class AskBits {
  private readonly bits = new Map<Ask, number>();
  private readonly cpu = new Float64Array(maxAsks);
  private readonly memory = new Float64Array(maxAsks);
  private readonly asks: (Ask | undefined)[] = [];
  private readonly usedAt: number[] = [];
  private readonly words = new Int32Array(maskWords);
  private uses = 0;

  constructor(private readonly resources: ResourceTable) {}

  /** The bit of the ask. When it is given anew, `assigned` must set it everywhere. */
  bitOf(ask: Ask, assigned: (bit: number) => void): number {
    let bit = this.bits.get(ask);
    if (bit === undefined) {
      bit = this.vacancy();
      this.bits.set(ask, bit);
      this.asks[bit] = ask;
      this.cpu[bit] = amountOf(ask, cpuColumn);
      this.memory[bit] = amountOf(ask, memoryColumn);
      assigned(bit);
    }
    this.usedAt[bit] = this.uses++;
    return bit;
  }

  /** The least cpu and memory that a node must have free. */
  cpuOf(bit: number): number {
    return this.cpu[bit]!;
  }

  memoryOf(bit: number): number {
    return this.memory[bit]!;
  }

  /** The bits of all asks for which the node may have room, in words that the next call overwrites. */
  fitting(slot: number): Int32Array {
    const { cpu, memory, resources, words } = this;
    const freeCpu = resources.free(cpuColumn, slot);
    const freeMemory = resources.free(memoryColumn, slot);
    const count = this.asks.length;
    words.fill(0);
    for (let bit = 0; bit < count; bit++) {
      if (cpu[bit]! <= freeCpu && memory[bit]! <= freeMemory) words[bit >> 5]! |= 1 << (bit & 31);
    }
    return words;
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

/** Who asks for nothing fits also where less than nothing is free, since the node shrank under its pods. */
function amountOf({ columns, amounts }: Ask, column: number): number {
  const at = columns.indexOf(column);
  return at < 0 ? -Infinity : amounts[at]!;
}
