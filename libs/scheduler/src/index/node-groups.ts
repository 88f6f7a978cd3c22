import { labelValue } from '../labels.js';
import { groupFullness } from '../scores/packing.js';
import type { Ask } from '../resource-table.js';
import type { Snapshot } from '../snapshot.js';
import { AskBits } from './ask-bits.js';
import { FullNodes } from './full-nodes.js';
import { NodeBlocks } from './node-blocks.js';
import { NodeOrder, type OrderBase } from './node-order.js';
import { Prospects } from './prospects.js';

/** A label with more values than this does not divide nodes into groups: hosts' names would make one each. */
const maxValuesOfGroupLabel = 64;

/** From this many groups on it is looked whether some label divides too finely. */
const groupsBeforeRecheck = 256;

/** Nodes that no filter or score about nodes can tell apart, ordered by how full they are. */
export interface NodeGroup {
  readonly identity: string;
  readonly order: NodeOrder;
  /** Slots in no order; never empty. */
  readonly members: number[];
  /** How full a node of the group is, 0 to 1. */
  readonly fullness: (slot: number) => number;
}

/**
 * Divides the nodes of a snapshot by what they offer, their taints, and the labels that pods ask about, and
 * keeps each group in order. Changes are noted as they happen and worked in before the next question.
 */
export class NodeGroups {
  /** Grows when nodes join or leave groups or when nodes are divided anew. */
  version = 0;
  private groups = new Map<string, NodeGroup>();
  private readonly byNumber: NodeGroup[] = [];
  /** Numbers of groups that are no more. */
  private freed: number[] = [];
  private readonly base: OrderBase;
  private readonly labels = new Set<string>();
  private readonly asked = new Set<string>();
  private stale = new Int32Array(64);
  private staleCount = 0;
  private isStale = new Uint8Array(64);
  /** By slot: where it stands among the members of its group. */
  private memberAt = new Int32Array(64);
  private recheckAt = groupsBeforeRecheck;

  /** `direction` 1 puts the fullest nodes first, -1 the emptiest. */
  constructor(
    private readonly snapshot: Snapshot,
    private readonly direction: 1 | -1,
  ) {
    const { resources } = snapshot.nodes;
    const [asks, prospects] = [new AskBits(), new Prospects()];
    const blocks = new NodeBlocks(resources, asks);
    this.base = { resources, asks, prospects, blocks, full: new FullNodes(resources, blocks) };
    snapshot.observe({
      usageChanged: (slot) => this.note(slot, 1),
      nodeChanged: (slot) => this.note(slot, 2),
    });
    for (const slot of snapshot.nodes) this.note(slot, 2);
  }

  /** The groups that have nodes, in the order in which they came to be. */
  all(): NodeGroup[] {
    return [...this.groups.values()];
  }

  /** The key by which a node stands in its group: its fullness, with the sign of the direction. */
  keyOf(slot: number): number {
    return this.direction * this.groupOf(slot)!.fullness(slot);
  }

  /** The bit under which orders remember this ask. */
  bitOf(ask: Ask): number {
    return this.base.asks.bitOf(ask, this.begin);
  }

  private readonly begin = (bit: number): void => {
    const { asks, prospects, full } = this.base;
    for (const { order } of this.groups.values()) order.allow(bit);
    prospects.forget(bit);
    full.wake(asks.cpuOf(bit), asks.memoryOf(bit), this.reorder);
  };

  /** How well nodes with room for an ask can stand, group by group. */
  get prospects(): Prospects {
    return this.base.prospects;
  }

  /** Asks that nodes be divided by this label; false when it has too many values for that. */
  divideBy(label: string): boolean {
    if (!this.asked.has(label)) {
      this.asked.add(label);
      if (this.hasFewValues(label)) {
        this.labels.add(label);
        this.regroup();
      }
    }
    return this.labels.has(label);
  }

  /** Works in what has changed. */
  refresh(): void {
    for (let i = 0; i < this.staleCount; i++) {
      const slot = this.stale[i]!;
      const what = this.isStale[slot];
      this.isStale[slot] = 0;
      if (what === 2) this.replace(slot);
      else this.reorder(slot);
    }
    this.staleCount = 0;
    if (this.groups.size > this.recheckAt) this.recheckLabels();
  }

  /** A label that had few values when it was asked about may have got many. */
  private recheckLabels(): void {
    this.recheckAt = Math.max(groupsBeforeRecheck, this.groups.size * 2);
    const tooFine = [...this.labels].filter((label) => !this.hasFewValues(label));
    if (tooFine.length === 0) return;
    for (const label of tooFine) this.labels.delete(label);
    this.regroup();
  }

  private note(slot: number, what: 1 | 2): void {
    if (slot >= this.isStale.length) this.grow();
    const before = this.isStale[slot]!;
    if (before === 0) this.stale[this.staleCount++] = slot;
    if (what > before) this.isStale[slot] = what;
  }

  private grow(): void {
    const { capacity } = this.snapshot.nodes;
    const isStale = new Uint8Array(capacity);
    isStale.set(this.isStale);
    this.isStale = isStale;
    const stale = new Int32Array(capacity);
    stale.set(this.stale);
    this.stale = stale;
    const memberAt = new Int32Array(capacity);
    memberAt.set(this.memberAt);
    this.memberAt = memberAt;
    this.base.blocks.growSlots(capacity);
    this.base.full.growSlots(capacity);
  }

  private groupOf(slot: number): NodeGroup | undefined {
    const number = this.base.blocks.ownerOf(slot);
    return number < 0 ? undefined : this.byNumber[number];
  }

  private readonly reorder = (slot: number): void => {
    const group = this.groupOf(slot);
    if (group) group.order.changed(slot, this.direction * group.fullness(slot));
  };

  private replace(slot: number): void {
    const old = this.groupOf(slot);
    const id = this.snapshot.nodes.traits[slot] ? this.identity(slot) : undefined;
    if (old) this.leave(old, slot);
    if (id !== undefined) this.join(id, slot);
    if (old || id !== undefined) this.version++;
  }

  private leave({ identity, order, members }: NodeGroup, slot: number): void {
    order.remove(slot);
    const last = members.pop()!;
    if (last !== slot) {
      members[this.memberAt[slot]!] = last;
      this.memberAt[last] = this.memberAt[slot]!;
    }
    if (members.length > 0) return;
    this.groups.delete(identity);
    this.freed.push(order.number);
  }

  private join(id: string, slot: number): void {
    let group = this.groups.get(id);
    if (!group) {
      const order = new NodeOrder(this.base, this.freed.pop() ?? this.groups.size);
      const fullness = groupFullness(this.snapshot.nodes, slot);
      group = { identity: id, order, members: [], fullness };
      this.groups.set(id, group);
      this.byNumber[order.number] = group;
    }
    this.memberAt[slot] = group.members.push(slot) - 1;
    group.order.changed(slot, this.direction * group.fullness(slot));
  }

  private regroup(): void {
    this.groups = new Map();
    this.freed = [];
    this.base.blocks.clear();
    for (const slot of this.snapshot.nodes) this.note(slot, 2);
    this.version++;
    this.refresh();
  }

  private identity(slot: number): string {
    const { resources, traits } = this.snapshot.nodes;
    const { taints, unschedulable, labels } = traits[slot]!;
    return JSON.stringify([
      resources.allocatable.map((column) => column[slot]),
      taints,
      unschedulable,
      [...this.labels].map((label) => labelValue(labels, label) ?? null),
    ]);
  }

  private hasFewValues(label: string): boolean {
    const values = new Set<string | undefined>();
    for (const slot of this.snapshot.nodes) {
      values.add(labelValue(this.snapshot.nodes.traits[slot]!.labels, label));
      if (values.size > maxValuesOfGroupLabel) return false;
    }
    return true;
  }
}
