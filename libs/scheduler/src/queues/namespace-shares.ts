import type { PodHandle } from '../pod-class.js';
import type { Ask } from '../resource-table.js';
import type { PodLedger, Snapshot } from '../snapshot.js';

/** Namespaces without a weight of their own have this one. */
export const defaultWeight = 1;

/**
 * How much of the cluster each namespace has, by dominant resource fairness (Ghodsi et al., NSDI 2011): the
 * largest of its shares of any one resource, divided by its weight.
 */
export class NamespaceShares implements PodLedger {
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

  /** The weighted dominant share with these asks on top of what runs. */
  share(namespace: string, extra: readonly Ask[] = []): number {
    const row = Float64Array.from(this.taken.get(namespace) ?? []);
    const asked = new Map<number, number>();
    for (const { columns, amounts } of extra) {
      columns.forEach((column, i) => asked.set(column, (asked.get(column) ?? 0) + amounts[i]!));
    }
    let largest = 0;
    for (let column = 0; column < this.totals.length; column++) {
      const total = this.totals[column]!;
      if (total <= 0) continue;
      largest = Math.max(largest, ((row[column] ?? 0) + (asked.get(column) ?? 0)) / total);
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
