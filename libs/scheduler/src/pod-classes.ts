import { hostPorts } from './host-ports.js';
import type { Labels, PodInput } from './input.js';
import type { NodeTable } from './node-table.js';
import {
  classKey,
  compileNodeSide,
  selectsNode,
  type LabelSet,
  type NodeSideOfClass,
  type PodClass,
  type PodHandle,
} from './pod-class.js';
import { isReclaimablePod, reclaimablePriority, requestsOf } from './reclaim/reclaimable.js';
import { untoleratedTaint } from './tolerations.js';
import type { Counted, CounterRegistry } from './topology/counter-registry.js';
import type { NamespaceLabels } from './topology/pod-matcher.js';
import { compileTopology, type Inclusion, type TopologyTerms } from './topology/topology-terms.js';

/** Interns classes and label sets, so that identical pods share one object and comparisons are by identity. */
export class PodClasses {
  private readonly classes = new Map<string, PodClass>();
  private readonly labelSets = new Map<string, LabelSet>();
  /** What was asked for since the last sweep: somebody may be about to decide by it. */
  private readonly young = new Set<PodClass | LabelSet>();
  /** By the frozen containers that pods of one template share: what the last of them was. */
  private relatives = new WeakMap<object, { readonly pod: PodInput; readonly handle: PodHandle }>();
  private nextId = 0;
  /** No pod that was ever seen has a lower priority; Infinity before the first. */
  lowestPriority = Infinity;

  constructor(
    private readonly nodes: NodeTable,
    private readonly registry: CounterRegistry,
    private readonly namespaceLabels: NamespaceLabels,
  ) {}

  /** Class and labels of the pod, as for `classOf`. */
  handleOf(pod: PodInput, withNodeName: boolean): PodHandle {
    const isTied = withNodeName && Boolean(pod.spec.nodeName);
    const known = isTied ? undefined : this.relatives.get(pod.spec.containers);
    if (known && isAlike(known.pod, pod)) {
      this.young.add(known.handle.podClass).add(known.handle.labelSet);
      return known.handle;
    }
    const handle = this.findHandle(pod, withNodeName);
    // What can change is not known again by being the same.
    const isFixed = !isTied && Object.isFrozen(pod.spec.containers);
    if (isFixed) this.relatives.set(pod.spec.containers, { pod, handle });
    return handle;
  }

  private findHandle(pod: PodInput, withNodeName: boolean): PodHandle {
    const podClass = this.classOf(pod, withNodeName);
    const labelSet = this.labelSetOf(pod);
    this.young.add(podClass).add(labelSet);
    if (labelSet.recent?.podClass !== podClass) labelSet.recent = { podClass, labelSet };
    return labelSet.recent;
  }

  /** The class for placing the pod; with `nodeName` when the pod's own spec.nodeName is to bind it. */
  classOf(pod: PodInput, withNodeName: boolean): PodClass {
    const requests = requestsOf(pod);
    const key = classKey(pod, requests, withNodeName);
    const known = this.classes.get(key);
    if (known) return known;
    const nodeSide = compileNodeSide(pod.spec, withNodeName);
    // What each change reads comes first and so lies together.
    const made: PodClass = {
      id: this.nextId++,
      ask: this.nodes.resources.ask(requests),
      ports: hostPorts(pod.spec),
      topology: compileTopology(
        pod,
        this.registry,
        this.namespaceLabels,
        this.inclusionOf(pod, nodeSide),
      ),
      ...nodeSide,
      priority: isReclaimablePod(pod) ? reclaimablePriority : nodeSide.priority,
    };
    this.classes.set(key, made);
    this.lowestPriority = Math.min(this.lowestPriority, made.priority);
    return made;
  }

  labelSetOf(pod: PodInput): LabelSet {
    const namespace = pod.metadata.namespace ?? '';
    const labels: Labels = pod.metadata.labels ?? {};
    const key = `${namespace}/${JSON.stringify(labels)}`;
    let known = this.labelSets.get(key);
    if (!known) {
      const membership = this.registry.membership(namespace, labels);
      known = { id: this.nextId++, namespace, labels, membership, placed: 0, recent: undefined };
      this.labelSets.set(key, known);
    }
    return known;
  }

  allLabelSets(): Iterable<LabelSet> {
    return this.labelSets.values();
  }

  /** Drops what is neither among these nor was asked for since the last time, and the counters of those classes. */
  retain(classes: ReadonlySet<PodClass>, labelSets: ReadonlySet<LabelSet>): void {
    const { young } = this;
    for (const [key, value] of this.classes) {
      if (!classes.has(value) && !young.has(value)) this.classes.delete(key);
    }
    for (const [key, value] of this.labelSets) {
      if (!labelSets.has(value) && !young.has(value)) this.labelSets.delete(key);
    }
    young.clear();
    this.relatives = new WeakMap();
    const used = [...new Set([...classes, ...this.classes.values()])];
    this.registry.retain(new Set(used.flatMap(({ topology }) => countersOf(topology))));
  }

  get size(): number {
    return this.classes.size + this.labelSets.size;
  }

  private inclusionOf(pod: PodInput, nodeSide: NodeSideOfClass): Inclusion {
    const { nodeSelector, affinity, tolerations } = pod.spec;
    const traits = (slot: number) => this.nodes.traits[slot]!;
    const selectsAll = nodeSide.selector.length === 0 && nodeSide.affinity === undefined;
    return {
      key: JSON.stringify([nodeSelector ?? 0, affinity?.nodeAffinity ?? 0, tolerations ?? 0]),
      byAffinity: selectsAll ? undefined : (slot) => selectsNode(nodeSide, traits(slot)),
      byTaints: (slot) =>
        !untoleratedTaint(traits(slot).taints, nodeSide.tolerations, ['NoSchedule', 'NoExecute']),
    };
  }
}

/** Whether all that a class and a label set are made of is the very same; pods with parts in common have those frozen. */
function isAlike(a: PodInput, b: PodInput): boolean {
  return (
    a.metadata.labels === b.metadata.labels &&
    a.metadata.namespace === b.metadata.namespace &&
    a.spec.containers === b.spec.containers &&
    a.spec.initContainers === b.spec.initContainers &&
    a.spec.overhead === b.spec.overhead &&
    a.spec.nodeSelector === b.spec.nodeSelector &&
    a.spec.affinity === b.spec.affinity &&
    a.spec.tolerations === b.spec.tolerations &&
    a.spec.topologySpreadConstraints === b.spec.topologySpreadConstraints &&
    a.spec.volumeAffinity === b.spec.volumeAffinity &&
    a.spec.priority === b.spec.priority
  );
}

function countersOf(topology: TopologyTerms | undefined): Counted[] {
  if (!topology) return [];
  const { affinity, antiAffinity, spread, preferred, carried } = topology;
  return [
    ...[...affinity, ...antiAffinity, ...spread, ...preferred].map((term) => term.counted),
    ...carried,
  ];
}
