import type { PodHandle } from '../pod-class.js';
import { podsColumn } from '../resource-table.js';
import type { PodLedger, Snapshot } from '../snapshot.js';

/** Namespaces without a weight of their own have this one. */
export const defaultWeight = 1;

/**
 * How much of the cluster each namespace has, by dominant resource fairness (Ghodsi et al., NSDI 2011): the
 * largest of its shares of any one resource, divided by its weight.
 */
export class NamespaceShares implements PodLedger {
  /** By namespace that has pods on nodes. */
  private readonly taken = new Map<string, Float64Array>();
  private readonly weights = new Map<string, number>();
  private totals: number[] = [];

  constructor(private readonly snapshot: Snapshot) {
    snapshot.keep(this);
  }

  counted({ labelSet, podClass }: PodHandle, delta: 1 | -1): void {
    const { namespace } = labelSet;
    const { columns, amounts } = podClass.ask;
    const row = this.rowOf(namespace);
    for (let i = 0; i < columns.length; i++) {
      const column = columns[i]!;
      if (column < row.length) row[column]! += delta * amounts[i]!;
    }
    // Every pod takes one of the pods, so who has none of them has nothing.
    if (row[podsColumn] === 0) this.taken.delete(namespace);
  }

  /** A weight that is no positive number counts as the default. */
  setWeight(namespace: string, weight: number | undefined): void {
    if (weight !== undefined && weight > 0 && Number.isFinite(weight)) {
      this.weights.set(namespace, weight);
    } else this.weights.delete(namespace);
  }

  /** Reads anew what all nodes offer together; shares are of that. */
  refresh(): void {
    const { nodes } = this.snapshot;
    const { names, allocatable } = nodes.resources;
    this.totals = names.map((_, column) => {
      let sum = 0;
      for (const slot of nodes) sum += allocatable[column]![slot]!;
      return sum;
    });
  }

  /** The weighted dominant share with these amounts, by column, on top of what runs. */
  share(namespace: string, extra?: ReadonlyMap<number, number>): number {
    const row = this.taken.get(namespace);
    let largest = 0;
    for (let column = 0; column < this.totals.length; column++) {
      const total = this.totals[column]!;
      if (total <= 0) continue;
      const amount = (row?.[column] ?? 0) + (extra?.get(column) ?? 0);
      largest = Math.max(largest, amount / total);
    }
    return largest / (this.weights.get(namespace) ?? defaultWeight);
  }

  private rowOf(namespace: string): Float64Array {
    const width = this.snapshot.nodes.resources.names.length;
    const known = this.taken.get(namespace);
    if (known && known.length >= width) return known;
    const row = new Float64Array(width);
    if (known) row.set(known);
    this.taken.set(namespace, row);
    return row;
  }
}
