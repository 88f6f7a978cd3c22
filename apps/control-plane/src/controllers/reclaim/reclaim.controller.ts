import { hasEnded, isReclaimable, NodeKind, PodKind, type Node, type Pod } from '@gantry/api';
import { Controller, source } from '@gantry/controller';
import { podRequests, podsToReclaim, type ReclaimablePod } from '@gantry/scheduler';
import { takeAway } from '../../api/index.js';
import type { ControllerContext } from '../context.js';
import { podInformer, podsOnNode } from '../pod-index.js';
import { offerOf } from './node-offer.js';

/** Takes reclaimable pods away from nodes whose owners need back what these pods run in. */
export function reclaimController(context: ControllerContext): Controller {
  const { informers, logger, clock } = context;
  const nodes = informers.for(NodeKind);
  const pods = podInformer(informers);
  const nodeOf = (pod: Pod) => (isReclaimable(pod) && pod.spec.nodeName ? [pod.spec.nodeName] : []);
  return new Controller({
    name: 'reclaim',
    concurrency: 2,
    sources: [source(nodes, (node) => [node.metadata.name!]), source(pods, nodeOf)],
    async reconcile(name) {
      const node = nodes.get(undefined, name);
      const running = podsOnNode(pods, name).filter((pod) => isReclaimable(pod) && !hasEnded(pod));
      if (node && running.length > 0) await reclaim(context, node, running);
    },
    logger,
    clock,
    ...(context.metrics ? { metrics: context.metrics } : {}),
  });
}

function facts(pod: Pod): ReclaimablePod {
  const requests = podRequests(pod.spec);
  return {
    uid: pod.metadata.uid!,
    cpuMillis: requests.get('cpu') ?? 0,
    memoryBytes: requests.get('memory') ?? 0,
    priority: pod.spec.priority ?? 0,
    startMs: Date.parse(pod.status?.startTime ?? '') || 0,
    isEnding: pod.metadata.deletionTimestamp !== undefined,
  };
}

async function reclaim(context: ControllerContext, node: Node, pods: readonly Pod[]) {
  const offer = offerOf(node);
  // Nothing is known yet, e.g. since no metering has come: nobody goes for that.
  if (!offer) return;
  const going = new Set(podsToReclaim(offer, pods.map(facts)).map(({ uid }) => uid));
  for (const pod of pods) if (going.has(pod.metadata.uid!)) await evict(context, node, pod);
}

async function evict({ resources, events, clock }: ControllerContext, node: Node, pod: Pod) {
  const message = `node ${node.metadata.name} needs back what its other pods have reserved`;
  if (!(await takeAway(resources, pod, { reason: 'Reclaimed', message }, clock))) return;
  events
    .for('reclaim-controller')
    .record(PodKind, pod, { type: 'Normal', reason: 'Reclaimed', message });
}
