import type { ApiObject, Node, Pod } from '@gantry/api';
import { Snapshot } from '@gantry/scheduler';
import { schedulableNode } from './schedulable-node.js';

/** The objects that decisions are made on, as lists show them. */
export interface ClusterObjects {
  readonly namespaces: readonly ApiObject[];
  readonly nodes: readonly Node[];
  readonly pods: readonly Pod[];
}

/** The cluster as decisions see it, made for one question; the loop keeps its own by increments. */
export function snapshotOf({ namespaces, nodes, pods }: ClusterObjects): Snapshot {
  const snapshot = new Snapshot();
  for (const { metadata } of namespaces) {
    snapshot.setNamespace(metadata.name!, metadata.labels ?? {});
  }
  for (const node of nodes) snapshot.setNode(schedulableNode(node));
  for (const pod of pods) snapshot.setPod(pod);
  return snapshot;
}
