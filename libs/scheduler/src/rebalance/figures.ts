import { cpuColumn, memoryColumn } from '../resource-table.js';
import type { Snapshot } from '../snapshot.js';

/** How well the cluster is packed. */
export interface RebalanceFigures {
  /** Nodes with pods that do not come with every node. */
  readonly nodesInUse: number;
  /** Pods that fit nowhere. */
  readonly pending: number;
  /** Of what the nodes in use have, the share that no pod has asked for, from 0 to 1. */
  readonly idleCpu: number;
  readonly idleMemory: number;
}

export function figuresOf(
  { nodes: { resources } }: Snapshot,
  inUse: ReadonlySet<number>,
  pending: number,
): RebalanceFigures {
  const idle = (column: number) => {
    let [free, all] = [0, 0];
    for (const slot of inUse) {
      free += Math.max(0, resources.free(column, slot));
      all += resources.allocatable[column]![slot]!;
    }
    return all === 0 ? 0 : free / all;
  };
  return {
    nodesInUse: inUse.size,
    pending,
    idleCpu: idle(cpuColumn),
    idleMemory: idle(memoryColumn),
  };
}
