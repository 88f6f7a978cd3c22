import type { Node } from '@gantry/api';
import { reclaimableCpu, reclaimableMemory, type NodeInput } from '@gantry/scheduler';
import { offerOf } from '../controllers/reclaim/node-offer.js';

const notReadyTaint = { key: 'node.kubernetes.io/not-ready', effect: 'NoSchedule' as const };

/**
 * The node as decisions see it: one that is not Ready takes no pods even before the node lifecycle has
 * tainted it, e.g. in the moment after it registered.
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
  const isTainted = taints.some(({ key }) => key.startsWith('node.kubernetes.io/'));
  if (ready?.status === 'True' || isTainted) return node;
  return { ...node, spec: { ...node.spec, taints: [...taints, notReadyTaint] } };
}
