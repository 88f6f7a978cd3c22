import type { Amounts } from './requests.js';

/** Columns that every table has, in this order; extended resources follow as they appear. */
export const wellKnownResources = ['cpu', 'memory', 'ephemeral-storage', 'pods'] as const;
export const cpuColumn = 0;
export const memoryColumn = 1;
export const podsColumn = 3;

/** Distinct resource names that one cluster may bring; more is a mistake or an attack. */
export const maxResources = 256;

/** Distinct asks that are remembered; all are forgotten when there are more. */
const rememberedAsks = 10_000;

/** Asked amounts by column, without zeros: the form in which fit is checked. */
export interface Ask {
  readonly columns: Int32Array;
  readonly amounts: Float64Array;
}

/**
 * What nodes have and what is taken of it: two typed arrays per resource, indexed by node slot.
 * Amounts are whole numbers below 2^53, so sums are exact and never drift.
 */
export class ResourceTable {
  readonly names: string[] = [];
  readonly allocatable: Float64Array[] = [];
  readonly requested: Float64Array[] = [];
  private readonly columns = new Map<string, number>();
  private readonly asks = new Map<string, Ask>();

  constructor(private capacity: number) {
    for (const name of wellKnownResources) this.column(name);
  }

  /** The column of a resource, made when it is new. */
  column(name: string): number {
    const known = this.columns.get(name);
    if (known !== undefined) return known;
    if (this.names.length >= maxResources) {
      throw new RangeError(`resource ${name}: more than ${maxResources} distinct resource names`);
    }
    this.allocatable.push(new Float64Array(this.capacity));
    this.requested.push(new Float64Array(this.capacity));
    this.columns.set(name, this.names.length);
    return this.names.push(name) - 1;
  }

  grow(capacity: number): void {
    this.capacity = capacity;
    for (const columns of [this.allocatable, this.requested]) {
      for (let c = 0; c < columns.length; c++) {
        const larger = new Float64Array(capacity);
        larger.set(columns[c]!);
        columns[c] = larger;
      }
    }
  }

  /** Replaces what the node has; resources that are not named become 0. Returns whether anything changed. */
  setAllocatable(slot: number, amounts: Amounts): boolean {
    for (const name of amounts.keys()) this.column(name);
    let changed = false;
    for (let c = 0; c < this.names.length; c++) {
      const amount = amounts.get(this.names[c]!) ?? 0;
      if (this.allocatable[c]![slot] !== amount) changed = true;
      this.allocatable[c]![slot] = amount;
    }
    return changed;
  }

  take(slot: number, ask: Ask): void {
    const { columns, amounts } = ask;
    for (let i = 0; i < columns.length; i++) this.requested[columns[i]!]![slot]! += amounts[i]!;
  }

  giveBack(slot: number, ask: Ask): void {
    const { columns, amounts } = ask;
    for (let i = 0; i < columns.length; i++) this.requested[columns[i]!]![slot]! -= amounts[i]!;
  }

  clear(slot: number): void {
    for (let c = 0; c < this.names.length; c++) {
      this.allocatable[c]![slot] = 0;
      this.requested[c]![slot] = 0;
    }
  }

  free(column: number, slot: number): number {
    return this.allocatable[column]![slot]! - this.requested[column]![slot]!;
  }

  fits(slot: number, ask: Ask): boolean {
    const { columns, amounts } = ask;
    for (let i = 0; i < columns.length; i++) {
      const c = columns[i]!;
      if (this.requested[c]![slot]! + amounts[i]! > this.allocatable[c]![slot]!) return false;
    }
    return true;
  }

  /** The ask for these amounts: one and the same object for the same amounts. */
  ask(amounts: Amounts): Ask {
    const pairs = [...amounts].map(([name, amount]) => [this.column(name), amount] as const);
    pairs.sort((a, b) => a[0] - b[0]);
    const key = pairs.join();
    const known = this.asks.get(key);
    if (known) return known;
    const ask = {
      columns: Int32Array.from(pairs, (p) => p[0]),
      amounts: Float64Array.from(pairs, (p) => p[1]),
    };
    if (this.asks.size >= rememberedAsks) this.asks.clear();
    this.asks.set(key, ask);
    return ask;
  }
}
