import {
  hasEnded,
  NamespaceKind,
  NodeKind,
  PersistentVolumeClaimKind,
  PersistentVolumeKind,
  PodKind,
  podGroupOf,
  type ApiObject,
  type Kind,
  type Pod,
} from '@gantry/api';
import { badRequest } from '@gantry/base';
import {
  drainText,
  Scheduler,
  type Change,
  type PlacementExplanation,
  type Profile,
} from '@gantry/scheduler';
import type { Resources, Subresource, SubresourceRequest } from '../api/index.js';
import { snapshotOf } from './cluster-snapshot.js';
import { isPending } from './pending.js';
import { shelfOf, VolumeBook } from './volume-book.js';

/** The running loop, the thread that it runs in, its scheduler, or one that was made for the question. */
export interface Explainer {
  explain(
    pod: Pod,
    options?: Parameters<Scheduler['explain']>[1],
  ): PlacementExplanation | Promise<PlacementExplanation>;
}

export interface WhyOptions {
  readonly resources: Resources;
  /** Undefined where this control plane does not lead. */
  readonly leading: () => Explainer | undefined;
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
  const { refusedBy: _, changes, ...explanation } = await explained(options, pod);
  return {
    apiVersion: 'gantry.dev/v1',
    kind: 'PlacementExplanation',
    metadata: { name, namespace },
    ...explanation,
    changes: await Promise.all(changes.map((change) => withNames(options.resources, change))),
  };
}

/** The scheduler knows pods by uid; people know them by namespace and name. */
async function withNames(resources: Resources, change: Change): Promise<object> {
  if (change.type !== 'drain') return change;
  const fieldSelector = `spec.nodeName=${change.node}`;
  const { items } = await resources.list(PodKind, { resourceVersion: '0', fieldSelector });
  const names = new Map(
    items.map(({ metadata }) => [metadata.uid!, `${metadata.namespace}/${metadata.name}`]),
  );
  const pods = change.pods.map((uid) => names.get(uid) ?? uid);
  return { ...change, pods, text: drainText(pods, change.node) };
}

async function explained(options: WhyOptions, pod: Pod): Promise<PlacementExplanation> {
  const special = specialCase(pod);
  if (special) return { ...nothing, message: special };
  const scheduler = options.leading() ?? (await freshScheduler(options));
  const explanation = await scheduler.explain(pod, { thorough: true });
  const reason = waitingFor(pod);
  return reason ? { ...explanation, message: reason } : explanation;
}

const nothing = { nodes: [], refusals: [], changes: [], candidates: [], refusedBy: [] };

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
  if (hasEnded(pod)) {
    return `the pod has ended (${status?.phase}) on ${spec.nodeName ?? 'no node'} and takes no room`;
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
async function freshScheduler({ resources, profile }: WhyOptions): Promise<Explainer> {
  const cached = async <T extends ApiObject>(kind: Kind<T>): Promise<readonly T[]> =>
    (await resources.list(kind, { resourceVersion: '0' })).items;
  const snapshot = snapshotOf({
    namespaces: await cached(NamespaceKind),
    nodes: await cached(NodeKind),
    pods: await cached(PodKind),
  });
  const scheduler = new Scheduler(snapshot, profile);
  const volumes = new VolumeBook(
    shelfOf(await cached(PersistentVolumeClaimKind)),
    shelfOf(await cached(PersistentVolumeKind)),
  );
  return { explain: (pod, options) => scheduler.explain(volumes.effective(pod), options) };
}
