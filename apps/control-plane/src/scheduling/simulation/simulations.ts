import {
  NamespaceKind,
  NodeKind,
  PersistentVolumeClaimKind,
  PersistentVolumeKind,
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
  uidOf,
  type Snapshot,
  type Profile,
  type SimulatedPod,
  type SimulationOptions,
  type SimulationResult,
} from '@gantry/scheduler';
import type { ComputedResource, Resources, SubresourceRequest } from '../../api/index.js';
import { snapshotOf } from '../cluster-snapshot.js';
import { disruptionBudgets } from '../disruption-budgets.js';
import { shelfOf, VolumeBook } from '../volume-book.js';
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
  /** The pod with what its claims ask of nodes. */
  readonly effective: (pod: SimulatedPod['pod']) => SimulatedPod['pod'];
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
    budgets: disruptionBudgets(budgets),
    // Volumes lie on the nodes that are there; of nodes that are asked for nobody knows which they have.
    effective: isReplaced ? (pod) => pod : await volumesOf(living, spec),
  };
}

async function volumesOf(
  living: <T extends ApiObject>(kind: Kind<T>) => Promise<readonly T[]>,
  { objects }: SimulationSpec,
): Promise<Cluster['effective']> {
  const claims = [
    ...(await living(PersistentVolumeClaimKind)),
    ...ofKind(objects, PersistentVolumeClaimKind),
  ];
  const volumes = [
    ...(await living(PersistentVolumeKind)),
    ...ofKind(objects, PersistentVolumeKind),
  ];
  const book = new VolumeBook(shelfOf(claims), shelfOf(volumes));
  return (pod) => book.effective(pod);
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
  const start = () => {
    const snapshot = snapshotOf(cluster);
    for (const node of fixed) snapshot.setNode(node);
    return snapshot;
  };
  const base = start();
  const nodes = [...base.nodes].map((slot) => base.nodes.name(slot));
  const expansion = expand(spec.objects, { ...spec, classes: cluster.classes, nodes });
  const { ignored } = expansion;
  const pods = expansion.pods.map((each) => ({ ...each, pod: cluster.effective(each.pod) }));
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
  const nodesUsed = nodes.length;
  return { nodeCount: snapshot.nodes.size, nodesUsed, nodes: nodes.slice(0, maxNodesTold) };
}
