import {
  NamespaceKind,
  NodeKind,
  PodDisruptionBudgetKind,
  PodKind,
  PriorityClassKind,
  systemPriorityClasses,
  type Node,
  type Pod,
  type PriorityClass,
} from '@gantry/api';
import { decode, type ApiObject, type Kind } from '@gantry/api-machinery';
import { badRequest } from '@gantry/base';
import {
  nodeFills,
  podName,
  profiles,
  shapedNode,
  simulate,
  sizeFor,
  Snapshot,
  uidOf,
  type Profile,
  type SimulatedPod,
  type SimulationOptions,
  type SimulationResult,
} from '@gantry/scheduler';
import type { ComputedResource, Resources, SubresourceRequest } from '../../api/index.js';
import { schedulableNode } from '../schedulable-node.js';
import { expand } from './expand.js';
import { parseSpec, type NodeShape, type SimulationSpec } from './spec.js';

export interface SimulationsOptions {
  readonly resources: Resources;
  readonly profile?: Profile;
}

/** Nodes that are told with what they hold; all are counted. */
const maxNodesTold = 200;

/** POST gantry.dev/v1 simulations: what would become of manifests, answered in `status` and never stored. */
export function simulationResource(options: SimulationsOptions): ComputedResource {
  return {
    group: 'gantry.dev',
    version: 'v1',
    kind: 'Simulation',
    plural: 'simulations',
    singular: 'simulation',
    namespaced: false,
    verbs: ['create'],
    handle: async (request) => ({ json: await answer(options, request), status: 201 }),
  };
}

async function answer(options: SimulationsOptions, { body }: SubresourceRequest): Promise<object> {
  const spec = parseSpec(body);
  const cluster = await clusterOf(options.resources, spec);
  const status = run(spec, cluster, options.profile ?? profiles['bin-pack']);
  return { apiVersion: 'gantry.dev/v1', kind: 'Simulation', metadata: {}, status };
}

/** The cluster that the pods would come to. */
interface Cluster {
  readonly nodes: readonly Node[];
  readonly pods: readonly Pod[];
  readonly namespaces: readonly ApiObject[];
  readonly classes: readonly PriorityClass[];
  readonly budgets: NonNullable<SimulationOptions['preemption']>['budgets'];
}

async function clusterOf(resources: Resources, spec: SimulationSpec): Promise<Cluster> {
  const living = async <T extends ApiObject>(kind: Kind<T>): Promise<readonly T[]> => {
    if (spec.cluster) return ofKind(spec.cluster, kind);
    return (await resources.list(kind, { resourceVersion: '0' })).items;
  };
  const isReplaced = spec.nodes.length > 0 && !spec.beside;
  const classes = [...systemPriorityClasses, ...(await living(PriorityClassKind))];
  const budgets = await living(PodDisruptionBudgetKind);
  return {
    nodes: isReplaced ? [] : await living(NodeKind),
    pods: isReplaced ? [] : await living(PodKind),
    namespaces: [...(await living(NamespaceKind)), ...ofKind(spec.objects, NamespaceKind)],
    classes: [...ofKind(spec.objects, PriorityClassKind), ...classes],
    budgets: budgets.map(({ metadata, spec: { selector }, status }) => ({
      namespace: metadata.namespace ?? '',
      selector,
      allowed: status?.disruptionsAllowed ?? 0,
    })),
  };
}

/** Those of the kind, with every field of the type it must be; BadRequest. */
function ofKind<T extends ApiObject>(objects: readonly ApiObject[], kind: Kind<T>): T[] {
  return objects
    .filter((object) => object.kind === kind.kind)
    .map((object) => decode(kind, structuredClone(object), { fieldValidation: 'Ignore' }).object);
}

function run(spec: SimulationSpec, cluster: Cluster, profile: Profile): object {
  const fixed = spec.nodes.flatMap((shape, i) =>
    Array.from({ length: shape.count ?? 0 }, (_, number) => nodeOf(shape, i, number)),
  );
  const start = () => snapshotOf(cluster, fixed);
  const base = start();
  const nodes = [...base.nodes].map((slot) => base.nodes.name(slot));
  const { pods, ignored } = expand(spec.objects, { ...spec, classes: cluster.classes, nodes });
  if (pods.length === 0) {
    throw badRequest(
      'no manifest makes pods: give Pods, Deployments, ReplicaSets, StatefulSets, DaemonSets, Jobs or CronJobs',
    );
  }
  const options = { profile, preemption: preemptionOf(cluster) };
  const open = spec.nodes.flatMap((shape, i) => (shape.count === undefined ? [{ shape, i }] : []));
  const sizings = open.map(({ shape, i }) => ({
    shape,
    sizing: sizeFor(pods, { ...options, start, node: (number) => nodeOf(shape, i, number) }),
  }));
  const [first] = sizings;
  const snapshot = first?.sizing.snapshot ?? start();
  const result = first?.sizing.result ?? simulate(snapshot, pods, options);
  const told = sizings.map(({ shape, sizing }) => ({
    ...shape,
    nodes: sizing.nodes,
    atLeast: sizing.atLeast,
    refused: sizing.result.refused.length,
  }));
  return {
    ...statusOf(result, pods, cluster),
    ...fillsOf(snapshot, result),
    sizings: told,
    ignored,
  };
}

function nodeOf({ allocatable, labels }: NodeShape, shape: number, number: number) {
  return shapedNode(`shape-${shape}-node-${number}`, allocatable, labels);
}

function snapshotOf(cluster: Cluster, fixed: readonly ReturnType<typeof nodeOf>[]): Snapshot {
  const snapshot = new Snapshot();
  for (const { metadata } of cluster.namespaces) {
    snapshot.setNamespace(metadata.name!, metadata.labels ?? {});
  }
  for (const node of cluster.nodes) snapshot.setNode(schedulableNode(node));
  for (const node of fixed) snapshot.setNode(node);
  for (const pod of cluster.pods) snapshot.setPod(pod);
  return snapshot;
}

function preemptionOf({ pods, budgets }: Cluster): SimulationOptions['preemption'] {
  const byNode = Map.groupBy(pods, (pod) => pod.spec.nodeName ?? '');
  return {
    budgets,
    tenants: (node) =>
      new Map(
        (byNode.get(node) ?? []).map((pod) => {
          const { metadata, status } = pod;
          const started = status?.startTime ?? metadata.creationTimestamp ?? '';
          const isEnding = metadata.deletionTimestamp !== undefined;
          return [uidOf(pod), { startMs: Date.parse(started) || 0, isEnding }];
        }),
      ),
  };
}

function statusOf(result: SimulationResult, pods: readonly SimulatedPod[], cluster: Cluster) {
  const { placed, refused, preempted } = result;
  const names = new Map(cluster.pods.map((pod) => [uidOf(pod), podName(pod)]));
  return {
    fits: refused.length === 0,
    pods: pods.length,
    placements: placed.map(({ pod, node }) => ({ pod: podName(pod), node })),
    refused: refused.map(({ pod, ...why }) => ({ pod: podName(pod), ...why })),
    preempted: preempted.map(({ uid, node, by }) => ({
      pod: names.get(uid) ?? uid,
      node,
      by: podName(by),
    })),
  };
}

/** The nodes that got pods, the fullest first. */
function fillsOf(snapshot: Snapshot, { placed }: SimulationResult) {
  const used = new Map<string, number>();
  for (const { node } of placed) used.set(node, (used.get(node) ?? 0) + 1);
  const nodes = nodeFills(snapshot)
    .filter(({ name }) => used.has(name))
    .map((fill) => ({ ...fill, placed: used.get(fill.name)! }))
    .sort((a, b) => b.placed - a.placed);
  return { nodeCount: snapshot.nodes.size, nodes: nodes.slice(0, maxNodesTold) };
}
