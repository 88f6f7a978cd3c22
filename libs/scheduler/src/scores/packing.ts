import type { NodeTable } from '../node-table.js';
import { cpuColumn, memoryColumn, wellKnownResources } from '../resource-table.js';
import type { PodClass } from '../pod-class.js';
import { isReclaimableResource } from '../reclaim/reclaimable.js';
import type { Score } from './score.js';

/**
 * Columns by which a node's fullness is told: cpu, memory and the extended resources that it has. Room for
 * pods and scratch space are limits, not what machines are bought for.
 */
export function fullnessColumns({ resources }: NodeTable, slot: number): number[] {
  const columns: number[] = [];
  for (let c = 0; c < resources.names.length; c++) {
    const isDevice = c >= wellKnownResources.length && !isReclaimableResource(resources.names[c]!);
    const counts = c === cpuColumn || c === memoryColumn || isDevice;
    if (counts && resources.allocatable[c]![slot]! > 0) columns.push(c);
  }
  return columns;
}

/** The mean share of a node's resources that is taken, 0 to 1; 0 for a node that offers none. */
export function fullness(nodes: NodeTable, slot: number): number {
  return groupFullness(nodes, slot)(slot);
}

/** The same for all nodes that offer exactly what this one does, with the divisions done beforehand. */
export function groupFullness(nodes: NodeTable, sample: number): (slot: number) => number {
  const { resources } = nodes;
  const columns = Int32Array.from(fullnessColumns(nodes, sample));
  const inverse = Float64Array.from(columns, (c) => 1 / resources.allocatable[c]![sample]!);
  return (slot) => {
    const { rows, stride } = resources;
    let free = 0;
    for (let i = 0; i < columns.length; i++)
      free += rows[slot * stride + columns[i]!]! * inverse[i]!;
    return columns.length === 0 ? 0 : 1 - free / columns.length;
  };
}

/** What this pod would add to the node's fullness. */
export function addedFullness(nodes: NodeTable, { ask }: PodClass, slot: number): number {
  const { allocatable } = nodes.resources;
  let sum = 0;
  for (let i = 0; i < ask.columns.length; i++) {
    const c = ask.columns[i]!;
    if (c > memoryColumn && c < wellKnownResources.length) continue;
    const has = allocatable[c]![slot]!;
    if (has > 0) sum += ask.amounts[i]! / has;
  }
  const columns = fullnessColumns(nodes, slot).length;
  return columns === 0 ? 0 : sum / columns;
}

/** Fullest first, counting the pod: leaves whole machines free for large pods. */
export const packScore: Score = {
  name: 'pack',
  reads: 'usage',
  order: 1,
  prepare:
    ({ nodes }, { podClass }) =>
    (slot) =>
      fullness(nodes, slot) + addedFullness(nodes, podClass, slot),
};

/** Emptiest first, counting the pod: leaves every machine some air. */
export const spreadScore: Score = {
  name: 'spread',
  reads: 'usage',
  order: -1,
  prepare:
    ({ nodes }, { podClass }) =>
    (slot) =>
      1 - fullness(nodes, slot) - addedFullness(nodes, podClass, slot),
};
