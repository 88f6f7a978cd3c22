import { labelValue } from './labels.js';
import type { Labels, NodeInput, PodInput } from './input.js';
import { NodeTable, traitsOf, type NodeTraits } from './node-table.js';
import type { LabelSet, PodClass } from './pod-class.js';
import { PodClasses } from './pod-classes.js';
import { CounterRegistry } from './topology/counter-registry.js';

/** A pod as decisions see it. */
export interface PodHandle {
  readonly podClass: PodClass;
  readonly labelSet: LabelSet;
}

/** A pod that holds resources, or waits to hold them until its node appears. */
export interface PlacedPod extends PodHandle {
  readonly uid: string;
  readonly nodeName: string;
  /** Decided here but not yet seen in the store. */
  assumed: boolean;
  /** Where it is on its node; the snapshot's own. */
  slot: number;
  position: number;
}

/** The slot of a pod whose node is not known. */
const nowhere = -1;

/** Told of every change after it happened; how an index follows the snapshot. */
export interface SnapshotObserver {
  /** Pods came to or left this node. */
  usageChanged(slot: number): void;
  /** The node appeared, disappeared (no traits), or its labels, taints or resources changed. */
  nodeChanged(slot: number): void;
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
  /** By slot, in no order. */
  readonly podsOn: PlacedPod[][] = [];
  private readonly pods = new Map<string, PlacedPod>();
  private readonly waiting = new Map<string, Set<PlacedPod>>();
  private readonly namespaces = new Map<string, Labels>();
  private readonly classes: PodClasses;
  private readonly observers: SnapshotObserver[] = [];
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

  get podCount(): number {
    return this.pods.size;
  }

  observe(observer: SnapshotObserver): void {
    this.observers.push(observer);
  }

  /** The pod as a request to be placed. */
  handle(pod: PodInput): PodHandle {
    return { podClass: this.classes.classOf(pod, true), labelSet: this.classes.labelSetOf(pod) };
  }

  pod(uid: string): PlacedPod | undefined {
    return this.pods.get(uid);
  }

  /** Adds the node or takes over its changes. */
  setNode(node: NodeInput): void {
    const traits = traitsOf(node);
    const known = this.nodes.slot(traits.name);
    if (known === undefined) return this.addNode(traits, node);
    const offersChanged = this.nodes.setAllocatable(known, node);
    const traitsChanged = !sameTraits(this.nodes.traits[known]!, traits);
    if (traitsChanged) this.replaceTraits(known, traits);
    if (offersChanged || traitsChanged) this.tell('nodeChanged', known);
  }

  /** Its pods are remembered and count again when a node of this name appears. */
  removeNode(name: string): void {
    const slot = this.nodes.slot(name);
    if (slot === undefined) return;
    // From the end, since each that goes is filled up by the last.
    for (let pod = this.podsOn[slot]!.at(-1); pod; pod = this.podsOn[slot]!.at(-1)) {
      this.displace(pod);
      this.wait(pod);
    }
    this.topology.addNode(slot, -1);
    this.nodes.vacate(slot);
    for (const domains of this.topology.domains.values()) domains.assign(slot, undefined);
    this.tell('nodeChanged', slot);
  }

  /** A bound pod as the store has it: replaces an assumption, and frees its place once it has ended. */
  setPod(pod: PodInput): void {
    const nodeName = pod.spec.nodeName;
    if (!nodeName || isTerminal(pod)) return this.removePod(uidOf(pod));
    this.put(uidOf(pod), this.placedHandle(pod), nodeName, false);
  }

  /** Counts the pod on the node although the binding is not stored yet. */
  assume(pod: PodInput, nodeName: string): void {
    this.put(uidOf(pod), this.placedHandle(pod), nodeName, true);
  }

  /** The pod as one that has its node: what its spec.nodeName says is no wish any more. */
  private placedHandle(pod: PodInput): PodHandle {
    return { podClass: this.classes.classOf(pod, false), labelSet: this.classes.labelSetOf(pod) };
  }

  /** Takes an assumption back; a pod that the store has confirmed stays. */
  forget(uid: string): void {
    if (this.pods.get(uid)?.assumed) this.removePod(uid);
  }

  removePod(uid: string): void {
    const pod = this.pods.get(uid);
    if (!pod) return;
    this.pods.delete(uid);
    if (pod.slot !== nowhere) this.displace(pod);
    else this.stopWaiting(pod);
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

  private put(
    uid: string,
    handle: PodHandle,
    nodeName: string,
    assumed: boolean,
    slot = this.nodes.slot(nodeName) ?? nowhere,
  ): void {
    const { podClass, labelSet } = handle;
    const old = this.pods.get(uid);
    if (old?.nodeName === nodeName && old.podClass === podClass && old.labelSet === labelSet) {
      old.assumed &&= assumed;
      return;
    }
    const placed = { uid, nodeName, assumed, podClass, labelSet, slot: nowhere, position: 0 };
    if (old) this.removePod(uid);
    this.pods.set(uid, placed);
    if (slot === nowhere) this.wait(placed);
    else this.place(placed, slot);
    if (!old && this.classes.size > this.sweepAt) this.sweep();
  }

  private place(pod: PlacedPod, slot: number): void {
    pod.slot = slot;
    pod.position = this.podsOn[slot]!.push(pod) - 1;
    pod.labelSet.placed += 1;
    this.nodes.resources.take(slot, pod.podClass.ask);
    this.count(pod, slot, 1);
    this.tell('usageChanged', slot);
  }

  private displace(pod: PlacedPod): void {
    const { slot, position } = pod;
    const pods = this.podsOn[slot]!;
    const last = pods.pop()!;
    if (last !== pod) {
      pods[position] = last;
      last.position = position;
    }
    pod.slot = nowhere;
    pod.labelSet.placed -= 1;
    this.nodes.resources.giveBack(slot, pod.podClass.ask);
    this.count(pod, slot, -1);
    this.tell('usageChanged', slot);
  }

  private count(pod: PlacedPod, slot: number, delta: 1 | -1): void {
    for (const counter of pod.labelSet.membership.countedBy) counter.addPods(slot, delta);
    const carried = pod.podClass.topology?.carried;
    if (carried) for (const { counter } of carried) counter.addPods(slot, delta);
  }

  private addNode(traits: NodeTraits, node: NodeInput): void {
    const slot = this.nodes.occupy(traits, (capacity) => this.topology.grow(capacity));
    this.nodes.setAllocatable(slot, node);
    this.podsOn[slot] = [];
    this.assignDomains(slot, traits);
    this.topology.addNode(slot, 1);
    this.tell('nodeChanged', slot);
    const waiting = this.waiting.get(traits.name);
    this.waiting.delete(traits.name);
    for (const pod of waiting ?? []) this.place(pod, slot);
  }

  /** Counts are taken out under the old traits and put back under the new, since both may decide them. */
  private replaceTraits(slot: number, traits: NodeTraits): void {
    for (const pod of this.podsOn[slot]!) this.count(pod, slot, -1);
    this.topology.addNode(slot, -1);
    this.nodes.traits[slot] = traits;
    this.assignDomains(slot, traits);
    this.topology.addNode(slot, 1);
    for (const pod of this.podsOn[slot]!) this.count(pod, slot, 1);
  }

  private assignDomains(slot: number, traits: NodeTraits): void {
    for (const domains of this.topology.domains.values()) {
      domains.assign(slot, labelValue(traits.labels, domains.key));
    }
  }

  private wait(pod: PlacedPod): void {
    const waiting = this.waiting.get(pod.nodeName) ?? new Set();
    this.waiting.set(pod.nodeName, waiting.add(pod));
  }

  private stopWaiting(pod: PlacedPod): void {
    const waiting = this.waiting.get(pod.nodeName);
    waiting?.delete(pod);
    if (waiting?.size === 0) this.waiting.delete(pod.nodeName);
  }

  private sweep(): void {
    const pods = [...this.pods.values()];
    const classes = new Set(pods.map((pod) => pod.podClass));
    this.classes.retain(classes, new Set(pods.map((pod) => pod.labelSet)));
    this.sweepAt = Math.max(classesBeforeSweep, this.classes.size * 2);
  }

  private tell(event: 'usageChanged' | 'nodeChanged', slot: number): void {
    this.changes += 1;
    for (let i = 0; i < this.observers.length; i++) this.observers[i]![event](slot);
  }

  private counterSource() {
    const { nodes, podsOn } = this;
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
        for (const slot of nodes) for (const pod of podsOn[slot]!) visit(slot, pod.labelSet);
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
