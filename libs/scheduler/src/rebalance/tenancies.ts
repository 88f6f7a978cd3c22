import type { Ask } from '../resource-table.js';
import type { PlacedPod } from '../snapshot.js';
import type { Moves } from './moves.js';

/** Pods of a slot that may move, of those alike one, and what they ask for: number after number, column by column. */
export interface Tenancy {
  readonly pods: readonly PlacedPod[];
  readonly asks: Float64Array;
}

/** What nodes have and their pods ask for as arrays over all columns, so that very many can be compared. */
export class Tenancies {
  private readonly known = new Map<number, { all: readonly PlacedPod[]; tenancy: Tenancy }>();

  constructor(private readonly moves: Moves) {}

  get columns(): number {
    return this.moves.snapshot.nodes.resources.names.length;
  }

  /** What is free there, by column; it changes with every move. */
  free(slot: number): Float64Array {
    const { rows, stride } = this.moves.snapshot.nodes.resources;
    return rows.subarray(slot * stride, slot * stride + this.columns);
  }

  amounts({ columns, amounts }: Ask): Float64Array {
    const found = new Float64Array(this.columns);
    columns.forEach((column, i) => (found[column] = amounts[i]!));
    return found;
  }

  /** Pods with devices stay: those are told apart one by one, and not by their number. */
  of(slot: number): Tenancy {
    const all = this.moves.tenants(slot);
    const known = this.known.get(slot);
    if (known?.all === all) return known.tenancy;
    const unlike = new Map<unknown, PlacedPod>();
    for (const pod of all) {
      const { podClass } = pod;
      if (podClass.ask.devices || unlike.has(podClass)) continue;
      if (this.moves.mayMove(pod) && this.moves.withinBudgets([pod])) unlike.set(podClass, pod);
    }
    const pods = [...unlike.values()];
    const asks = new Float64Array(pods.length * this.columns);
    pods.forEach(({ podClass }, i) => asks.set(this.amounts(podClass.ask), i * this.columns));
    this.known.set(slot, { all, tenancy: { pods, asks } });
    return { pods, asks };
  }
}
