import { labelValue } from './labels.js';
import type { DeviceHoldings } from './devices/holdings.js';
import type { NodeInput } from './input.js';
import { NodeTable, type NodeTraits } from './node-table.js';
import type { LabelSet, PodClass, PodHandle } from './pod-class.js';
import { nowhere, PodTable } from './pod-table.js';
import { CounterRegistry } from './topology/counter-registry.js';

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

/**
 * Which pods are on which nodes, and all that is counted by it: resources, devices, ports, pods by domain. Pods go
 * by their numbers; who asks for a change sees to it that it makes sense.
 */
export class Occupancy {
  readonly nodes = new NodeTable();
  readonly topology: CounterRegistry;
  readonly pods = new PodTable();
  /** By slot: the classes of the pods there that hold ports of the node. */
  readonly portHolders: (PodClass[] | undefined)[] = [];
  /** By the pod's number: the shared devices that it holds, also while its node is away. */
  readonly holdings = new Map<number, DeviceHoldings>();
  readonly observers: SnapshotObserver[] = [];
  ledger: PodLedger | undefined;
  /** Grows with every change that a decision could notice. */
  changes = 0;

  /** `labelSets` gives all that any pod has. */
  constructor(labelSets: () => Iterable<LabelSet>) {
    this.topology = new CounterRegistry(this.counterSource(labelSets));
  }

  place(number: number, slot: number): void {
    this.pods.move(number, slot);
    this.arrive(number, slot);
    this.tellUsageChanged(slot);
  }

  displace(number: number): void {
    const slot = this.pods.slot(number);
    this.pods.move(number, nowhere);
    this.leave(number, slot);
    this.tellUsageChanged(slot);
  }

  arrive(number: number, slot: number): void {
    const handle = this.pods.handle(number);
    const { podClass, labelSet } = handle;
    labelSet.placed += 1;
    if (podClass.ports.length > 0) (this.portHolders[slot] ??= []).push(podClass);
    this.takeResources(number, slot);
    this.count(handle, slot, 1);
    this.ledger?.counted(handle, 1);
  }

  leave(number: number, slot: number): void {
    const handle = this.pods.handle(number);
    const { podClass, labelSet } = handle;
    labelSet.placed -= 1;
    if (podClass.ports.length > 0) {
      const holders = this.portHolders[slot]!;
      holders.splice(holders.indexOf(podClass), 1);
    }
    const { ask } = podClass;
    this.nodes.resources.giveBack(slot, ask, ask.devices && this.holdings.get(number));
    this.count(handle, slot, -1);
    this.ledger?.counted(handle, -1);
  }

  private count({ podClass, labelSet }: PodHandle, slot: number, delta: 1 | -1): void {
    const { countedBy } = labelSet.membership;
    for (let i = 0; i < countedBy.length; i++) countedBy[i]!.addPods(slot, delta);
    const carried = podClass.topology?.carried;
    if (carried) for (const { counter } of carried) counter.addPods(slot, delta);
  }

  occupy(traits: NodeTraits, node: NodeInput): number {
    const slot = this.nodes.occupy(traits, (capacity) => this.topology.grow(capacity));
    this.nodes.setAllocatable(slot, node);
    this.portHolders[slot] = undefined;
    this.assignDomains(slot, traits);
    this.topology.addNode(slot, 1);
    return slot;
  }

  vacate(slot: number): void {
    this.topology.addNode(slot, -1);
    this.nodes.vacate(slot);
    for (const domains of this.topology.domains.values()) domains.assign(slot, undefined);
  }

  /** Pods give back what they hold and take it again, since devices may have come or gone. */
  replaceOffers(slot: number, node: NodeInput): void {
    const { resources } = this.nodes;
    const numbers = this.pods.on(slot).filter((n) => this.pods.handle(n).podClass.ask.devices);
    for (const number of numbers) {
      resources.giveBack(slot, this.pods.handle(number).podClass.ask, this.holdings.get(number));
    }
    this.nodes.setAllocatable(slot, node);
    for (const number of numbers) this.takeResources(number, slot);
  }

  private takeResources(number: number, slot: number): void {
    const { ask } = this.pods.handle(number).podClass;
    const held = this.nodes.resources.take(slot, ask, ask.devices && this.holdings.get(number));
    if (held) this.holdings.set(number, held);
  }

  /** Counts are taken out under the old traits and put back under the new, since both may decide them. */
  replaceTraits(slot: number, traits: NodeTraits): void {
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

  tellUsageChanged(slot: number): void {
    this.changes += 1;
    for (let i = 0; i < this.observers.length; i++) this.observers[i]!.usageChanged(slot);
  }

  tellNodeChanged(slot: number): void {
    this.changes += 1;
    for (let i = 0; i < this.observers.length; i++) this.observers[i]!.nodeChanged(slot);
  }

  private counterSource(labelSets: () => Iterable<LabelSet>) {
    const { nodes, pods } = this;
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
