import type { DeviceHoldings } from '../devices/holdings.js';
import { decisiveParts } from '../decisive-parts.js';
import type { Labels, NodeInput, PodInput } from '../input.js';
import type { PodHandle } from '../pod-class.js';
import type { Profile } from '../profile.js';
import { Scheduler, type Decision } from '../scheduler.js';
import { Snapshot, uidOf } from '../snapshot.js';
import type { Operation, Recorder } from './operation.js';

/** Numbered classes; they are numbered anew when there are more. */
const maxClasses = 20_000;

/** A snapshot that tells a recorder of every change it is told of, in the same order. */
export class RecordingSnapshot extends Snapshot {
  private readonly known = new KnownState();
  private readonly byText = new Map<string, number>();
  private byHandle = new WeakMap<PodHandle, number>();
  private serial = 0;
  /** What is done on the way of something that is recorded itself is not recorded again. */
  private depth = 0;

  constructor(private readonly record: Recorder) {
    super();
  }

  /** Everything needed to come to the present state from an empty snapshot. */
  *state(): Generator<Operation> {
    // Of equally good nodes the one in the lowest slot is taken, so their order is part of the state.
    yield* this.known.operations((name) => this.nodes.slot(name) ?? -1);
  }

  override handle(pod: PodInput): PodHandle {
    const handle = super.handle(pod);
    if (this.depth === 0) this.byHandle.set(handle, this.classOf(pod));
    return handle;
  }

  override setNode(node: NodeInput): void {
    this.told({ op: 'node', node: recordedNode(node) }, () => super.setNode(node));
  }

  override removeNode(name: string): void {
    this.told({ op: 'node-gone', name }, () => super.removeNode(name));
  }

  override setNamespace(name: string, labels: Labels | undefined): void {
    const operation = { op: 'namespace', name, labels: labels ?? null } as const;
    this.told(operation, () => super.setNamespace(name, labels));
  }

  override setPod(pod: PodInput): void {
    const { nodeName } = pod.spec;
    const isEnded = pod.status?.phase === 'Succeeded' || pod.status?.phase === 'Failed';
    const operation: Operation =
      !nodeName || isEnded
        ? { op: 'remove', uid: uidOf(pod) }
        : { op: 'pod', uid: uidOf(pod), class: this.classOf(pod), node: nodeName };
    this.told(operation, () => super.setPod(pod));
  }

  override restore(uid: string, handle: PodHandle, node: string, devices?: DeviceHoldings): void {
    const place = { op: 'pod', uid, class: this.numberOf(handle), node } as const;
    const held = devices ? { devices } : {};
    this.told({ ...place, ...held }, () => super.restore(uid, handle, node, devices));
  }

  override assume(pod: PodInput, nodeName: string, devices?: DeviceHoldings): void {
    const place = { op: 'pod', uid: uidOf(pod), class: this.classOf(pod), node: nodeName } as const;
    const held = devices ? { devices } : {};
    this.told({ ...place, assumed: true, ...held }, () => super.assume(pod, nodeName, devices));
  }

  override hold(uid: string, handle: PodHandle, slot: number, devices?: DeviceHoldings): void {
    const place = {
      op: 'pod',
      uid,
      class: this.numberOf(handle),
      node: this.nodes.name(slot),
    } as const;
    const held = devices ? { devices } : {};
    this.told({ ...place, assumed: true, ...held }, () => super.hold(uid, handle, slot, devices));
  }

  override reserve(uid: string, handle: PodHandle, nodeName: string): void {
    const place = { op: 'pod', uid, class: this.numberOf(handle), node: nodeName } as const;
    this.told({ ...place, assumed: true }, () => super.reserve(uid, handle, nodeName));
  }

  override forget(uid: string): void {
    const isAssumed = this.pod(uid)?.assumed === true;
    if (isAssumed) this.told({ op: 'forget', uid }, () => super.forget(uid));
  }

  override removePod(uid: string): void {
    this.told({ op: 'remove', uid }, () => super.removePod(uid));
  }

  /** The number of the handle's class; -1, and a gap in the log, for one that `handle` did not make. */
  numberOf(handle: PodHandle): number {
    const number = this.byHandle.get(handle);
    if (number === undefined) this.record({ op: 'gap', why: 'a pod of unknown class' });
    return number ?? -1;
  }

  private told(operation: Operation, change: () => void): void {
    if (this.depth === 0) {
      this.record(operation);
      this.known.take(operation);
    }
    this.depth += 1;
    try {
      change();
    } finally {
      this.depth -= 1;
    }
  }

  private classOf(pod: PodInput): number {
    const recorded = decisiveParts(pod);
    const text = JSON.stringify(recorded);
    const known = this.byText.get(text);
    if (known !== undefined) return known;
    if (this.byText.size >= maxClasses) this.byText.clear();
    const operation = { op: 'class', id: this.serial++, pod: recorded } as const;
    this.byText.set(text, operation.id);
    this.record(operation);
    this.known.take(operation);
    return operation.id;
  }
}

/** A scheduler whose decisions are recorded behind what they were made on. */
export class RecordingScheduler extends Scheduler {
  constructor(
    private readonly recorded: RecordingSnapshot,
    private readonly record: Recorder,
    profile?: Profile,
  ) {
    super(recorded, profile);
  }

  override decide(handle: PodHandle): Decision {
    const decision = super.decide(handle);
    const { node = null } = decision;
    this.record({ op: 'decide', class: this.recorded.numberOf(handle), node });
    return decision;
  }
}

/** The last operation about each thing, so that a new log can begin at any time. */
class KnownState {
  private readonly nodes = new Map<string, Operation>();
  private readonly namespaces = new Map<string, Operation>();
  private readonly classes = new Map<number, Operation>();
  private readonly pods = new Map<string, Operation & { op: 'pod' }>();

  take(operation: Operation): void {
    switch (operation.op) {
      case 'node':
        return void this.nodes.set(operation.node.metadata.name ?? '', operation);
      case 'node-gone':
        return void this.nodes.delete(operation.name);
      case 'namespace':
        return void this.namespaces.set(operation.name, operation);
      case 'class':
        return void this.classes.set(operation.id, operation);
      case 'pod':
        return void this.pods.set(operation.uid, operation);
      case 'forget':
      case 'remove':
        return void this.pods.delete(operation.uid);
      case 'start':
      case 'gap':
      case 'decide':
    }
  }

  *operations(slotOf: (node: string) => number): Generator<Operation> {
    this.dropUnusedClasses();
    const nodes = [...this.nodes].sort((a, b) => slotOf(a[0]) - slotOf(b[0]));
    yield* this.namespaces.values();
    yield* this.classes.values();
    for (const [, operation] of nodes) yield operation;
    yield* this.pods.values();
  }

  /** Classes that no pod has, but for the newest ones, which decisions may still name. */
  private dropUnusedClasses(): void {
    const used = new Set([...this.pods.values()].map((operation) => operation.class));
    const newest = Math.max(-1, ...[...this.classes.keys()].slice(-1)) - maxClasses;
    for (const id of this.classes.keys()) if (id < newest && !used.has(id)) this.classes.delete(id);
  }
}

function recordedNode({ metadata, spec, status }: NodeInput): NodeInput {
  const { name, labels } = metadata;
  const { unschedulable, taints } = spec ?? {};
  const allocatable = status?.allocatable ?? status?.capacity;
  return { metadata: { name, labels }, spec: { unschedulable, taints }, status: { allocatable } };
}
