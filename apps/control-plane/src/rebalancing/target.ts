import type { Node, Pod } from '@gantry/api';
import { profiles, Scheduler, Snapshot, type Profile } from '@gantry/scheduler';
import { schedulableNode } from '../scheduling/schedulable-node.js';

/**
 * Whether one more pod like this one fits on the node as it is now, by all rules that the node and its pods
 * decide alone. Rules about pods elsewhere are left to the scheduler when the replacement comes.
 */
export function fitsOn(
  pod: Pod,
  node: Node,
  podsThere: readonly Pod[],
  profile: Profile = profiles['bin-pack'],
): boolean {
  const snapshot = new Snapshot();
  snapshot.setNode(schedulableNode(node));
  for (const each of podsThere) snapshot.setPod(each);
  const { nodeName: _, topologySpreadConstraints: __, affinity, ...spec } = pod.spec;
  const nodeAffinity = affinity?.nodeAffinity;
  const alone = { ...spec, ...(nodeAffinity ? { affinity: { nodeAffinity } } : {}) };
  const handle = snapshot.handle({ metadata: pod.metadata, spec: alone });
  return new Scheduler(snapshot, profile).decideFor(handle, node.metadata.name!) !== undefined;
}
