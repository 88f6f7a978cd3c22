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
 * What nodes have and what is taken of it: typed arrays, indexed by node slot.
 * Amounts are whole numbers below 2^53, so sums are exact and never drift.
 */
export class ResourceTable {
  readonly names: string[] = [];
  readonly allocatable: Float64Array[] = [];
  /** What is free, node by node: that of one node lies together, which is how fit is asked about. */
  rows: Float64Array;
  /** Numbers from one node's row to the next. */
  stride = 8;
  private readonly columns = new Map<string, number>();
  private readonly asks = new Map<string, Ask>();

  constructor(private capacity: number) {
    this.rows = new Float64Array(capacity * this.stride);
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
    this.columns.set(name, this.names.length);
    const column = this.names.push(name) - 1;
    if (column >= this.stride) this.layOut(this.capacity, this.stride * 2);
    return column;
  }

  grow(capacity: number): void {
    for (let c = 0; c < this.allocatable.length; c++) {
      const larger = new Float64Array(capacity);
      larger.set(this.allocatable[c]!);
      this.allocatable[c] = larger;
    }
    this.layOut(capacity, this.stride);
    this.capacity = capacity;
  }

  private layOut(capacity: number, stride: number): void {
    const rows = new Float64Array(capacity * stride);
    for (let slot = 0; slot < this.capacity; slot++) {
      const from = slot * this.stride;
      rows.set(this.rows.subarray(from, from + this.stride), slot * stride);
    }
    this.rows = rows;
    this.stride = stride;
  }

  /** Replaces what the node has; resources that are not named become 0. Returns whether anything changed. */
  setAllocatable(slot: number, amounts: Amounts): boolean {
    for (const name of amounts.keys()) this.column(name);
    let changed = false;
    for (let c = 0; c < this.names.length; c++) {
      const amount = amounts.get(this.names[c]!) ?? 0;
      const before = this.allocatable[c]![slot]!;
      if (before === amount) continue;
      changed = true;
      this.allocatable[c]![slot] = amount;
      this.rows[slot * this.stride + c]! += amount - before;
    }
    return changed;
  }

  take(slot: number, ask: Ask): void {
    const { columns, amounts } = ask;
    const row = slot * this.stride;
    for (let i = 0; i < columns.length; i++) this.rows[row + columns[i]!]! -= amounts[i]!;
  }

  giveBack(slot: number, ask: Ask): void {
    const { columns, amounts } = ask;
    const row = slot * this.stride;
    for (let i = 0; i < columns.length; i++) this.rows[row + columns[i]!]! += amounts[i]!;
  }

  clear(slot: number): void {
    for (let c = 0; c < this.names.length; c++) {
      this.allocatable[c]![slot] = 0;
      this.rows[slot * this.stride + c] = 0;
    }
  }

  /** What the pods on the node ask for together. */
  requested(column: number, slot: number): number {
    return this.allocatable[column]![slot]! - this.free(column, slot);
  }

  free(column: number, slot: number): number {
    return this.rows[slot * this.stride + column]!;
  }

  fits(slot: number, ask: Ask): boolean {
    const { columns, amounts } = ask;
    const { rows } = this;
    const row = slot * this.stride;
    for (let i = 0; i < columns.length; i++) {
      if (rows[row + columns[i]!]! < amounts[i]!) return false;
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
