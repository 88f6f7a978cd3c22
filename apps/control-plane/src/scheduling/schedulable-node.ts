import type { Node } from '@gantry/api';
import { reclaimableCpu, reclaimableMemory, type NodeInput } from '@gantry/scheduler';
import { isMarkedUnready, pressureTaints } from '../controllers/node/node-state.js';
import { offerOf } from '../controllers/reclaim/node-offer.js';

const notReadyTaint = { key: 'node.kubernetes.io/not-ready', effect: 'NoSchedule' as const };

/**
 * The node as decisions see it: one that is not Ready or short of disk takes no pods even before the node lifecycle
 * has tainted it, e.g. in the moment after it registered.
 */
export function schedulableNode(node: Node): NodeInput {
  return withReclaimable(readyNode(node));
}

function withReclaimable(node: Node): NodeInput {
  const offer = offerOf(node);
  if (!offer) return node;
  const allocatable = {
    ...node.status?.allocatable,
    [reclaimableCpu]: offer.cpuMillis,
    [reclaimableMemory]: offer.memoryBytes,
  };
  return { ...node, status: { ...node.status, allocatable } };
}

function readyNode(node: Node): Node {
  const ready = node.status?.conditions?.find(({ type }) => type === 'Ready');
  const taints = node.spec?.taints ?? [];
  const missing = pressureTaints(node).filter(({ key }) => !taints.some((t) => t.key === key));
  if (ready?.status !== 'True' && !isMarkedUnready(node)) missing.push(notReadyTaint);
  return missing.length === 0
    ? node
    : { ...node, spec: { ...node.spec, taints: [...taints, ...missing] } };
}
