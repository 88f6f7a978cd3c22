import {
  devicesAnnotation,
  parseHoldings,
  sameDevices,
  type DeviceHoldings,
} from './devices/holdings.js';
import type { Labels, NodeInput, PodInput } from './input.js';
import { sameTraits, traitsOf, type NodeTable, type NodeTraits } from './node-table.js';
import { Occupancy, type PodLedger, type SnapshotObserver } from './occupancy.js';
import type { PodClass, PodHandle } from './pod-class.js';
import { PodClasses } from './pod-classes.js';
import { nowhere, type PodTable } from './pod-table.js';
import type { CounterRegistry } from './topology/counter-registry.js';
import { WaitingPods } from './waiting-pods.js';
import {
  rehearse,
  trial,
  withNode,
  withTraits,
  type Rehearsal,
  type SnapshotTrial,
} from './what-if.js';

export type { PodLedger, Rehearsal, SnapshotObserver, SnapshotTrial };

/** A pod that holds resources, or waits to hold them until its node appears. */
export interface PlacedPod extends PodHandle {
  readonly uid: string;
  readonly nodeName: string;
  /** Decided here but not yet seen in the store. */
  readonly assumed: boolean;
  /** The shared devices that it holds; undefined when it holds none. */
  readonly devices: DeviceHoldings | undefined;
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
  private readonly occupancy: Occupancy;
  readonly nodes: NodeTable;
  readonly topology: CounterRegistry;
  /** By slot: the classes of the pods there that hold ports of the node. */
  readonly portHolders: readonly (readonly PodClass[] | undefined)[];
  private readonly pods: PodTable;
  private readonly waiting = new WaitingPods();
  private readonly namespaces = new Map<string, Labels>();
  private readonly classes: PodClasses;
  private sweepAt = classesBeforeSweep;

  constructor() {
    this.occupancy = new Occupancy(() => this.classes.allLabelSets());
    const { nodes, topology, pods, portHolders } = this.occupancy;
    this.nodes = nodes;
    this.topology = topology;
    this.pods = pods;
    this.portHolders = portHolders;
    const labelsOf = (namespace: string) => this.namespaces.get(namespace) ?? emptyLabels;
    this.classes = new PodClasses(nodes, topology, labelsOf);
  }

  /** Grows with every change that a decision could notice. */
  get version(): number {
    return this.occupancy.changes;
  }

  /** No pod has a lower priority; tells at once that nobody can be preempted. */
  get lowestPriority(): number {
    return this.classes.lowestPriority;
  }

  get podCount(): number {
    return this.pods.size;
  }

  /** Classes and label sets that are remembered: those of pods here, and what was asked about of late. */
  get classCount(): number {
    return this.classes.size;
  }

  /** Tells the ledger of every pod from now on; there is one, and it begins before the first pod. */
  keep(ledger: PodLedger): void {
    this.occupancy.ledger = ledger;
  }

  observe(observer: SnapshotObserver): void {
    this.occupancy.observers.push(observer);
  }

  /** The pod as a request to be placed: soon, since what nobody asks about any more is forgotten in time. */
  handle(pod: PodInput): PodHandle {
    this.sweepIfDue();
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
      devices: this.occupancy.holdings.get(number),
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
    const offersChanged = this.nodes.offersDiffer(known, node);
    if (offersChanged) this.occupancy.replaceOffers(known, node);
    const traitsChanged = !sameTraits(this.nodes.traits[known]!, traits);
    if (traitsChanged) this.occupancy.replaceTraits(known, traits);
    if (offersChanged || traitsChanged) this.occupancy.tellNodeChanged(known);
  }

  /** Its pods are remembered and count again when a node of this name appears. */
  removeNode(name: string): void {
    const slot = this.nodes.slot(name);
    if (slot === undefined) return;
    for (const number of this.pods.on(slot)) {
      this.occupancy.displace(number);
      this.waiting.add(number, name);
    }
    this.occupancy.vacate(slot);
    this.occupancy.tellNodeChanged(slot);
  }

  /** A bound pod as the store has it: replaces an assumption, and frees its place once it has ended. */
  setPod(pod: PodInput): void {
    const nodeName = pod.spec.nodeName;
    if (!nodeName || isTerminal(pod)) return this.removePod(uidOf(pod));
    const handle = this.classes.handleOf(pod, false);
    const annotation = pod.metadata.annotations?.[devicesAnnotation];
    const devices = handle.podClass.ask.devices && parseHoldings(annotation);
    this.put(uidOf(pod), handle, nodeName, false, devices);
  }

  /** As `setPod`, for a pod whose handle is at hand. */
  restore(uid: string, handle: PodHandle, nodeName: string, devices?: DeviceHoldings): void {
    this.put(uid, handle, nodeName, false, devices);
  }

  /** Uids of the pods that the store has confirmed, in no order; the snapshot may change meanwhile. */
  *confirmed(): Generator<string> {
    for (const number of this.pods) if (!this.pods.isAssumed(number)) yield this.pods.uid(number);
  }

  /** Counts the pod on the node although the binding is not stored yet. */
  assume(pod: PodInput, nodeName: string, devices?: DeviceHoldings): void {
    this.put(uidOf(pod), this.classes.handleOf(pod, false), nodeName, true, devices);
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
    if (this.pods.slot(number) !== nowhere) this.occupancy.displace(number);
    else this.waiting.remove(number);
    if (this.occupancy.holdings.size > 0) this.occupancy.holdings.delete(number);
    this.pods.remove(number);
  }

  /** Labels of a namespace, which terms with a namespaceSelector read; undefined when it is gone. */
  setNamespace(name: string, labels: Labels | undefined): void {
    if (JSON.stringify(this.namespaces.get(name)) === JSON.stringify(labels)) return;
    if (labels) this.namespaces.set(name, labels);
    else this.namespaces.delete(name);
    this.occupancy.changes += 1;
    this.topology.recount();
  }

  /** As `assume`, for a pod whose handle is at hand and a node that was just decided on. */
  hold(uid: string, handle: PodHandle, slot: number, devices?: DeviceHoldings): void {
    if (this.pods.find(uid) < 0) this.enter(uid, handle, true, slot, devices);
    else this.put(uid, handle, this.nodes.name(slot), true, devices);
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
    devices?: DeviceHoldings,
  ): void {
    const old = this.pods.find(uid);
    if (old >= 0) {
      if (
        this.isSame(old, handle, nodeName) &&
        sameDevices(devices, this.occupancy.holdings.get(old))
      ) {
        if (!assumed) this.pods.confirm(old);
        return;
      }
      this.drop(old);
    }
    const slot = this.nodes.slot(nodeName) ?? nowhere;
    const number = this.enter(uid, handle, assumed, slot, devices);
    if (slot === nowhere) this.waiting.add(number, nodeName);
  }

  /** Adds a pod that is not held, on its node when there is one. Returns its number. */
  private enter(
    uid: string,
    handle: PodHandle,
    assumed: boolean,
    slot: number,
    devices: DeviceHoldings | undefined,
  ): number {
    const number = this.pods.add(uid, handle, nowhere, assumed);
    if (devices) this.occupancy.holdings.set(number, devices);
    if (slot !== nowhere) this.occupancy.place(number, slot);
    this.sweepIfDue();
    return number;
  }

  private isSame(number: number, { podClass, labelSet }: PodHandle, nodeName: string): boolean {
    const handle = this.pods.handle(number);
    return (
      handle.podClass === podClass &&
      handle.labelSet === labelSet &&
      this.nodeNameOf(number) === nodeName
    );
  }

  /** As in `what-if.ts`, each of these: afterwards all is as before. */
  trial<T>(look: (trial: SnapshotTrial) => T): T {
    return trial(this.occupancy, look);
  }

  withTraits<T>(slot: number, traits: NodeTraits, look: () => T): T {
    return withTraits(this.occupancy, slot, traits, look);
  }

  withNode<T>(node: NodeInput, look: (slot: number) => T): T {
    return withNode(this.occupancy, node, look);
  }

  rehearse<T>(look: (rehearsal: Rehearsal) => T): T {
    return rehearse(this.occupancy, look);
  }

  private addNode(traits: NodeTraits, node: NodeInput): void {
    const slot = this.occupancy.occupy(traits, node);
    this.occupancy.tellNodeChanged(slot);
    for (const number of this.waiting.take(traits.name)) this.occupancy.place(number, slot);
  }

  private sweepIfDue(): void {
    if (this.classes.size <= this.sweepAt) return;
    const handles = [...this.pods].map((number) => this.pods.handle(number));
    const classes = new Set(handles.map((handle) => handle.podClass));
    this.classes.retain(classes, new Set(handles.map((handle) => handle.labelSet)));
    this.sweepAt = Math.max(classesBeforeSweep, this.classes.size * 2);
  }
}
