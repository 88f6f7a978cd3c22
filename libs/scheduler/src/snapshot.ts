import { labelValue } from './labels.js';
import type { Labels, NodeInput, PodInput } from './input.js';
import { NodeTable, traitsOf, type NodeTraits } from './node-table.js';
import type { LabelSet, PodClass, PodHandle } from './pod-class.js';
import { PodClasses } from './pod-classes.js';
import { nowhere, PodTable } from './pod-table.js';
import { CounterRegistry } from './topology/counter-registry.js';
import { WaitingPods } from './waiting-pods.js';

/** A pod that holds resources, or waits to hold them until its node appears. */
export interface PlacedPod extends PodHandle {
  readonly uid: string;
  readonly nodeName: string;
  /** Decided here but not yet seen in the store. */
  readonly assumed: boolean;
}

/** Told of every change after it happened; how an index follows the snapshot. */
export interface SnapshotObserver {
  /** Pods came to or left this node. */
  usageChanged(slot: number): void;
  /** The node appeared, disappeared (no traits), or its labels, taints or resources changed. */
  nodeChanged(slot: number): void;
}

/** Keeps account of all pods on nodes. */
export interface PodLedger {
  /** A pod came to a node, or left it. */
  counted(pod: PodHandle, delta: 1 | -1): void;
}

/** Pods taken off their nodes for a look, by uid; unknown ones are passed over. */
export interface SnapshotTrial {
  readonly lift: (uid: string) => void;
  readonly lower: (uid: string) => void;
}

const emptyLabels: Labels = {};
/** Unused classes and label sets are dropped when more than this many are known. */
const classesBeforeSweep = 20_000;

export function uidOf(pod: PodInput): string {
  return pod.metadata.uid || `${pod.metadata.namespace ?? ''}/${pod.metadata.name ?? ''}`;
}

function isTerminal(pod: PodInput): boolean {
  return pod.status?.phase === 'Succeeded' || pod.status?.phase === 'Failed';
}

/**
 * Nodes and the pods on them, kept by increments. Every method is idempotent and takes whole objects, so
 * that it can be fed from a watch in any order; pods may come before their node.
 */
export class Snapshot {
  readonly nodes = new NodeTable();
  readonly topology: CounterRegistry;
  /** By slot: the classes of the pods there that hold ports of the node. */
  readonly portHolders: (PodClass[] | undefined)[] = [];
  private readonly pods = new PodTable();
  private readonly waiting = new WaitingPods();
  private readonly namespaces = new Map<string, Labels>();
  private readonly classes: PodClasses;
  private readonly observers: SnapshotObserver[] = [];
  private ledger: PodLedger | undefined;
  private sweepAt = classesBeforeSweep;
  private changes = 0;

  constructor() {
    this.topology = new CounterRegistry(this.counterSource());
    const labelsOf = (namespace: string) => this.namespaces.get(namespace) ?? emptyLabels;
    this.classes = new PodClasses(this.nodes, this.topology, labelsOf);
  }

  /** Grows with every change that a decision could notice. */
  get version(): number {
    return this.changes;
  }

  /** No pod has a lower priority; tells at once that nobody can be preempted. */
  get lowestPriority(): number {
    return this.classes.lowestPriority;
  }

  get podCount(): number {
    return this.pods.size;
  }

  /** Tells the ledger of every pod from now on; there is one, and it begins before the first pod. */
  keep(ledger: PodLedger): void {
    this.ledger = ledger;
  }

  observe(observer: SnapshotObserver): void {
    this.observers.push(observer);
  }

  /** The pod as a request to be placed. */
  handle(pod: PodInput): PodHandle {
    return this.classes.handleOf(pod, true);
  }

  pod(uid: string): PlacedPod | undefined {
    const number = this.pods.find(uid);
    return number < 0 ? undefined : this.placed(number);
  }

  /** Pods on the node, in no order; not for every decision, since it is found out when it is asked. */
  podsOn(slot: number): PlacedPod[] {
    return this.pods.on(slot).map((number) => this.placed(number));
  }

  private placed(number: number): PlacedPod {
    const { podClass, labelSet } = this.pods.handle(number);
    const nodeName = this.nodeNameOf(number);
    return {
      uid: this.pods.uid(number),
      nodeName,
      assumed: this.pods.isAssumed(number),
      podClass,
      labelSet,
    };
  }

  private nodeNameOf(number: number): string {
    const slot = this.pods.slot(number);
    return slot === nowhere ? this.waiting.nodeName(number) : this.nodes.name(slot);
  }

  /** Adds the node or takes over its changes. */
  setNode(node: NodeInput): void {
    const traits = traitsOf(node);
    const known = this.nodes.slot(traits.name);
    if (known === undefined) return this.addNode(traits, node);
    const offersChanged = this.nodes.setAllocatable(known, node);
    const traitsChanged = !sameTraits(this.nodes.traits[known]!, traits);
    if (traitsChanged) this.replaceTraits(known, traits);
    if (offersChanged || traitsChanged) this.tellNodeChanged(known);
  }

  /** Its pods are remembered and count again when a node of this name appears. */
  removeNode(name: string): void {
    const slot = this.nodes.slot(name);
    if (slot === undefined) return;
    for (const number of this.pods.on(slot)) {
      this.displace(number);
      this.waiting.add(number, name);
    }
    this.topology.addNode(slot, -1);
    this.nodes.vacate(slot);
    for (const domains of this.topology.domains.values()) domains.assign(slot, undefined);
    this.tellNodeChanged(slot);
  }

  /** A bound pod as the store has it: replaces an assumption, and frees its place once it has ended. */
  setPod(pod: PodInput): void {
    const nodeName = pod.spec.nodeName;
    if (!nodeName || isTerminal(pod)) return this.removePod(uidOf(pod));
    this.put(uidOf(pod), this.classes.handleOf(pod, false), nodeName, false);
  }

  /** Counts the pod on the node although the binding is not stored yet. */
  assume(pod: PodInput, nodeName: string): void {
    this.put(uidOf(pod), this.classes.handleOf(pod, false), nodeName, true);
  }

  /** Takes an assumption back; a pod that the store has confirmed stays. */
  forget(uid: string): void {
    const number = this.pods.find(uid);
    if (number >= 0 && this.pods.isAssumed(number)) this.drop(number);
  }

  removePod(uid: string): void {
    const number = this.pods.find(uid);
    if (number >= 0) this.drop(number);
  }

  private drop(number: number): void {
    if (this.pods.slot(number) !== nowhere) this.displace(number);
    else this.waiting.remove(number);
    this.pods.remove(number);
  }

  /** Labels of a namespace, which terms with a namespaceSelector read; undefined when it is gone. */
  setNamespace(name: string, labels: Labels | undefined): void {
    if (JSON.stringify(this.namespaces.get(name)) === JSON.stringify(labels)) return;
    if (labels) this.namespaces.set(name, labels);
    else this.namespaces.delete(name);
    this.changes += 1;
    this.topology.recount();
  }

  /** As `assume`, for a pod whose handle is at hand and a node that was just decided on. */
  hold(uid: string, handle: PodHandle, slot: number): void {
    this.put(uid, handle, this.nodes.name(slot), true, slot);
  }

  /** Counts a pod on the node by its handle, known or not; `removePod` ends it. */
  reserve(uid: string, handle: PodHandle, nodeName: string): void {
    this.put(uid, handle, nodeName, true);
  }

  private put(
    uid: string,
    handle: PodHandle,
    nodeName: string,
    assumed: boolean,
    slot = this.nodes.slot(nodeName) ?? nowhere,
  ): void {
    const old = this.pods.find(uid);
    if (old >= 0) {
      if (this.isSame(old, handle, nodeName)) {
        if (!assumed) this.pods.confirm(old);
        return;
      }
      this.drop(old);
    }
    const number = this.pods.add(uid, handle, nowhere, assumed);
    if (slot === nowhere) this.waiting.add(number, nodeName);
    else this.place(number, slot);
    if (old < 0 && this.classes.size > this.sweepAt) this.sweep();
  }

  private isSame(number: number, { podClass, labelSet }: PodHandle, nodeName: string): boolean {
    const handle = this.pods.handle(number);
    return (
      handle.podClass === podClass &&
      handle.labelSet === labelSet &&
      this.nodeNameOf(number) === nodeName
    );
  }

  /**
   * Looks at the cluster without some pods: `lift` takes one off its node, `lower` puts it back. What is still
   * off when `look` returns is put back, so that nobody else ever sees it; nothing else may change meanwhile.
   */
  trial<T>(look: (trial: SnapshotTrial) => T): T {
    const lifted = new Set<number>();
    const { pods } = this;
    const toggle = (uid: string, isOff: boolean) => {
      const number = pods.find(uid);
      if (number < 0 || pods.slot(number) === nowhere || lifted.has(number) !== isOff) return;
      if (isOff) this.arrive(pods.handle(number), pods.slot(number));
      else this.leave(pods.handle(number), pods.slot(number));
      if (isOff) lifted.delete(number);
      else lifted.add(number);
    };
    try {
      return look({ lift: (uid) => toggle(uid, false), lower: (uid) => toggle(uid, true) });
    } finally {
      for (const number of lifted) this.arrive(pods.handle(number), pods.slot(number));
    }
  }

  private place(number: number, slot: number): void {
    this.pods.move(number, slot);
    this.arrive(this.pods.handle(number), slot);
    this.tellUsageChanged(slot);
  }

  private displace(number: number): void {
    const slot = this.pods.slot(number);
    this.pods.move(number, nowhere);
    this.leave(this.pods.handle(number), slot);
    this.tellUsageChanged(slot);
  }

  private arrive(handle: PodHandle, slot: number): void {
    const { podClass, labelSet } = handle;
    labelSet.placed += 1;
    if (podClass.ports.length > 0) (this.portHolders[slot] ??= []).push(podClass);
    this.nodes.resources.take(slot, podClass.ask);
    this.count(handle, slot, 1);
    this.ledger?.counted(handle, 1);
  }

  private leave(handle: PodHandle, slot: number): void {
    const { podClass, labelSet } = handle;
    labelSet.placed -= 1;
    if (podClass.ports.length > 0) {
      const holders = this.portHolders[slot]!;
      holders.splice(holders.indexOf(podClass), 1);
    }
    this.nodes.resources.giveBack(slot, podClass.ask);
    this.count(handle, slot, -1);
    this.ledger?.counted(handle, -1);
  }

  private count({ podClass, labelSet }: PodHandle, slot: number, delta: 1 | -1): void {
    const { countedBy } = labelSet.membership;
    for (let i = 0; i < countedBy.length; i++) countedBy[i]!.addPods(slot, delta);
    const carried = podClass.topology?.carried;
    if (carried) for (const { counter } of carried) counter.addPods(slot, delta);
  }

  private addNode(traits: NodeTraits, node: NodeInput): void {
    const slot = this.nodes.occupy(traits, (capacity) => this.topology.grow(capacity));
    this.nodes.setAllocatable(slot, node);
    this.portHolders[slot] = undefined;
    this.assignDomains(slot, traits);
    this.topology.addNode(slot, 1);
    this.tellNodeChanged(slot);
    for (const number of this.waiting.take(traits.name)) this.place(number, slot);
  }

  /** Counts are taken out under the old traits and put back under the new, since both may decide them. */
  private replaceTraits(slot: number, traits: NodeTraits): void {
    const handles = this.pods.on(slot).map((number) => this.pods.handle(number));
    for (const handle of handles) this.count(handle, slot, -1);
    this.topology.addNode(slot, -1);
    this.nodes.traits[slot] = traits;
    this.assignDomains(slot, traits);
    this.topology.addNode(slot, 1);
    for (const handle of handles) this.count(handle, slot, 1);
  }

  private assignDomains(slot: number, traits: NodeTraits): void {
    for (const domains of this.topology.domains.values()) {
      domains.assign(slot, labelValue(traits.labels, domains.key));
    }
  }

  private sweep(): void {
    const handles = [...this.pods].map((number) => this.pods.handle(number));
    const classes = new Set(handles.map((handle) => handle.podClass));
    this.classes.retain(classes, new Set(handles.map((handle) => handle.labelSet)));
    this.sweepAt = Math.max(classesBeforeSweep, this.classes.size * 2);
  }

  private tellUsageChanged(slot: number): void {
    this.changes += 1;
    for (let i = 0; i < this.observers.length; i++) this.observers[i]!.usageChanged(slot);
  }

  private tellNodeChanged(slot: number): void {
    this.changes += 1;
    for (let i = 0; i < this.observers.length; i++) this.observers[i]!.nodeChanged(slot);
  }

  private counterSource() {
    const { nodes, pods } = this;
    const labelSets = () => this.classes.allLabelSets();
    return {
      labelSets,
      get capacity() {
        return nodes.capacity;
      },
      forEachNode(visit: (slot: number, label: string | undefined) => void, key: string) {
        for (const slot of nodes) visit(slot, labelValue(nodes.traits[slot]!.labels, key));
      },
      forEachPlacedPod(visit: (slot: number, labelSet: LabelSet) => void) {
        for (const number of pods) {
          const slot = pods.slot(number);
          if (slot !== nowhere) visit(slot, pods.handle(number).labelSet);
        }
      },
    };
  }
}

function sameTraits(a: NodeTraits, b: NodeTraits): boolean {
  return (
    a.unschedulable === b.unschedulable &&
    JSON.stringify(a.taints) === JSON.stringify(b.taints) &&
    JSON.stringify(a.labels) === JSON.stringify(b.labels)
  );
}
