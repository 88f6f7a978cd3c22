import { NodeKind, PodKind, podGroupOf, type Pod } from '@gantry/api';
import { badRequest } from '@gantry/base';
import { Scheduler, Snapshot, type PlacementExplanation, type Profile } from '@gantry/scheduler';
import type { Resources, Subresource, SubresourceRequest } from '../api/index.js';
import { isPending } from './pending.js';
import { schedulableNode } from './schedulable-node.js';

export interface WhyOptions {
  readonly resources: Resources;
  /** The running loop, or its scheduler; undefined where this control plane does not lead. */
  readonly leading: () => Pick<Scheduler, 'explain'> | undefined;
  readonly profile?: Profile;
}

/** GET pods/NAME/why: a gantry.dev/v1 PlacementExplanation of where the pod could run and where not. */
export function whySubresource(options: WhyOptions): Subresource {
  return {
    kind: PodKind,
    name: 'why',
    verbs: ['get'],
    responseKind: { group: 'gantry.dev', version: 'v1', kind: 'PlacementExplanation' },
    handle: async (request) => ({ json: await why(options, request) }),
  };
}

async function why(options: WhyOptions, { method, namespace, name }: SubresourceRequest) {
  if (method !== 'GET') throw badRequest('pods/why can only be read: use GET');
  const pod = await options.resources.get(PodKind, namespace, name);
  const { refusedBy: _, ...explanation } = await explained(options, pod);
  return {
    apiVersion: 'gantry.dev/v1',
    kind: 'PlacementExplanation',
    metadata: { name, namespace },
    ...explanation,
  };
}

async function explained(options: WhyOptions, pod: Pod): Promise<PlacementExplanation> {
  const special = specialCase(pod);
  if (special) return { message: special, nodes: [], refusedBy: [] };
  const scheduler = options.leading() ?? (await freshScheduler(options));
  const explanation = scheduler.explain(pod);
  const reason = waitingFor(pod);
  return reason ? { ...explanation, message: reason } : explanation;
}

/** What the nodes alone do not tell: whom a pod preempts that waits for its place, and how its group stands. */
function waitingFor(pod: Pod): string | undefined {
  const { spec, status } = pod;
  if (spec.nodeName) return undefined;
  const condition = status?.conditions?.find(({ type }) => type === 'PodScheduled');
  const node = status?.nominatedNodeName;
  if (node) {
    return `nominated to ${node}: ${condition?.message ?? 'less important pods make room there'}`;
  }
  return podGroupOf(pod) && condition?.status === 'False' ? condition.message : undefined;
}

/** Pods about whose place the nodes have no say. */
function specialCase(pod: Pod): string | undefined {
  const { spec, status, metadata } = pod;
  if (status?.phase === 'Succeeded' || status?.phase === 'Failed') {
    return `the pod has ended (${status.phase}) on ${spec.nodeName ?? 'no node'} and takes no room`;
  }
  const disruption = status?.conditions?.find(({ type }) => type === 'DisruptionTarget');
  if (metadata.deletionTimestamp && disruption?.status === 'True') {
    return `the pod is being taken away from ${spec.nodeName}: ${disruption.message}`;
  }
  if (spec.nodeName || isPending(pod)) return undefined;
  if (metadata.deletionTimestamp) return 'the pod is being deleted and will not be placed';
  const gates = (spec.schedulingGates ?? []).map(({ name }) => name);
  if (gates.length > 0)
    return `the pod waits for its scheduling gates to be removed: ${gates.join(', ')}`;
  return `the pod asks for the scheduler ${spec.schedulerName}, which is not this one`;
}

/** On a follower nothing keeps a snapshot, so one is made for the question. */
async function freshScheduler({ resources, profile }: WhyOptions): Promise<Scheduler> {
  const snapshot = new Snapshot();
  const cached = { resourceVersion: '0' };
  for (const node of (await resources.list(NodeKind, cached)).items) {
    snapshot.setNode(schedulableNode(node));
  }
  for (const pod of (await resources.list(PodKind, cached)).items) snapshot.setPod(pod);
  return new Scheduler(snapshot, profile);
}
