import { withImages } from './images.js';
import type { Labels, NodeInput, TaintInput } from './input.js';
import type { LabelledNode } from './node-selector.js';
import { amountsOf, type Amounts } from './requests.js';
import { ResourceTable } from './resource-table.js';

const initialCapacity = 64;

/** What a node is besides its resources, as plain values. */
export interface NodeTraits extends LabelledNode {
  readonly labels: Labels;
  readonly taints: readonly TaintInput[];
  readonly unschedulable: boolean;
}

const noTaints: readonly TaintInput[] = [];

export function traitsOf(node: NodeInput): NodeTraits {
  return {
    name: node.metadata.name ?? '',
    labels: withImages(node.metadata.labels ?? {}, node),
    taints: node.spec?.taints ?? noTaints,
    unschedulable: node.spec?.unschedulable ?? false,
  };
}

export function sameTraits(a: NodeTraits, b: NodeTraits): boolean {
  return (
    a.unschedulable === b.unschedulable &&
    JSON.stringify(a.taints) === JSON.stringify(b.taints) &&
    JSON.stringify(a.labels) === JSON.stringify(b.labels)
  );
}

/** Nodes by slot: a small number that stays with a node for as long as it exists and indexes every array. */
export class NodeTable {
  capacity = initialCapacity;
  readonly resources = new ResourceTable(initialCapacity);
  /** By slot; undefined where no node is. */
  readonly traits: (NodeTraits | undefined)[] = [];
  private readonly names: (string | undefined)[] = [];
  private readonly slots = new Map<string, number>();
  private readonly vacant: number[] = [];

  /** Nodes that exist. */
  get size(): number {
    return this.slots.size;
  }

  /** All slots below this number have been used; some may be vacant. */
  get end(): number {
    return this.traits.length;
  }

  slot(name: string): number | undefined {
    return this.slots.get(name);
  }

  /** Slots of existing nodes in ascending order. */
  *[Symbol.iterator](): Generator<number> {
    for (let slot = 0; slot < this.traits.length; slot++) if (this.traits[slot]) yield slot;
  }

  name(slot: number): string {
    return this.names[slot] ?? `slot ${slot}`;
  }

  /** A slot for a node that is not in the table yet. `grown` is called after the capacity rose. */
  occupy(traits: NodeTraits, grown: (capacity: number) => void): number {
    const slot = this.vacant.pop() ?? this.traits.length;
    if (slot >= this.capacity) {
      this.capacity *= 2;
      this.resources.grow(this.capacity);
      grown(this.capacity);
    }
    this.traits[slot] = traits;
    this.names[slot] = traits.name;
    this.slots.set(traits.name, slot);
    return slot;
  }

  vacate(slot: number): void {
    this.slots.delete(this.name(slot));
    this.traits[slot] = undefined;
    this.names[slot] = undefined;
    this.resources.clear(slot);
    this.vacant.push(slot);
  }

  /** Whether the node offers other amounts than are known of it. */
  offersDiffer(slot: number, node: NodeInput): boolean {
    return this.resources.differs(slot, offersOf(node));
  }

  /** Takes over what the node offers, while no pod there holds devices. */
  setAllocatable(slot: number, node: NodeInput): void {
    this.resources.setAllocatable(slot, offersOf(node));
  }
}

function offersOf(node: NodeInput): Amounts {
  return amountsOf(node.status?.allocatable ?? node.status?.capacity);
}
