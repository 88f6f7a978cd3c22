import type { NodeInput, PodInput, ResourceList } from '../input.js';
import { amountText } from '../amount-text.js';
import { preempt } from '../preemption/preempt.js';
import type { DisruptionBudget } from '../preemption/disruption-budgets.js';
import type { TenantSource } from '../preemption/tenants.js';
import type { Profile } from '../profile.js';
import { Scheduler } from '../scheduler.js';
import { uidOf, type Snapshot } from '../snapshot.js';

/** A pod that is to be placed. */
export interface SimulatedPod {
  readonly pod: PodInput & { readonly spec: { readonly preemptionPolicy?: string } };
  /** It goes there or nowhere, and is passed over where labels or taints keep it off, as daemons do. */
  readonly onNode?: string;
}

export interface SimulationOptions {
  readonly profile: Profile;
  /** With it, pods take the place of less important ones. */
  readonly preemption?: {
    readonly tenants: TenantSource;
    readonly budgets: readonly DisruptionBudget[];
  };
}

export interface Placement {
  readonly pod: PodInput;
  readonly node: string;
}

export interface SimulatedRefusal {
  readonly pod: PodInput;
  readonly message: string;
  readonly changes: readonly string[];
}

export interface SimulatedPreemption {
  readonly uid: string;
  readonly node: string;
  readonly by: PodInput;
}

/** What would become of the pods. */
export interface SimulationResult {
  readonly placed: readonly Placement[];
  readonly refused: readonly SimulatedRefusal[];
  readonly preempted: readonly SimulatedPreemption[];
}

/** Refusals that are explained in full; equal pods share one explanation. */
const maxExplained = 50;

/**
 * Places the pods on the snapshot, the most important first and otherwise in the given order, by the very
 * decisions that the scheduling loop makes. The snapshot keeps what was placed.
 */
export function simulate(
  snapshot: Snapshot,
  pods: readonly SimulatedPod[],
  options: SimulationOptions,
): SimulationResult {
  const run = new Simulation(snapshot, options);
  const inOrder = pods.toSorted((a, b) => priorityOf(b.pod) - priorityOf(a.pod));
  for (const each of inOrder) run.place(each);
  return run;
}

const priorityOf = ({ spec }: PodInput) => spec.priority ?? 0;
/** Filters that tell where a daemon does not belong at all. */
const belonging = new Set(['nodeAffinity', 'taints', 'unschedulable']);

class Simulation implements SimulationResult {
  readonly placed: Placement[] = [];
  readonly refused: SimulatedRefusal[] = [];
  readonly preempted: SimulatedPreemption[] = [];
  private readonly scheduler: Scheduler;
  private readonly explained = new Map<object, Omit<SimulatedRefusal, 'pod'>>();

  constructor(
    private readonly snapshot: Snapshot,
    private readonly options: SimulationOptions,
  ) {
    this.scheduler = new Scheduler(snapshot, options.profile);
  }

  place({ pod, onNode }: SimulatedPod): void {
    if (onNode !== undefined) return this.placeDaemon(pod, onNode);
    const { node } = this.scheduler.schedule(pod);
    if (node !== undefined) this.take(pod, node);
    else if (!this.preempt(pod)) this.refuse(pod);
  }

  private take(pod: PodInput, node: string): void {
    this.snapshot.setPod({ ...pod, spec: { ...pod.spec, nodeName: node } });
    this.placed.push({ pod, node });
  }

  private placeDaemon(pod: PodInput, node: string): void {
    if (this.scheduler.decideFor(this.snapshot.handle(pod), node)) return this.take(pod, node);
    const { nodes, refusals } = this.scheduler.explain(pod);
    const isAlien = refusals.some((r) => belonging.has(r.filter) && r.nodes.includes(node));
    if (isAlien) return;
    const reasons = nodes.find(({ name }) => name === node)?.reasons ?? ['it is not there'];
    this.refused.push({
      pod,
      message: `does not fit on ${node}: ${reasons.join('; ')}`,
      changes: [],
    });
  }

  private preempt(pod: SimulatedPod['pod']): boolean {
    const { preemption, profile } = this.options;
    if (!preemption || pod.spec.preemptionPolicy === 'Never') return false;
    const found = preempt(this.snapshot, profile, this.snapshot.handle(pod), preemption);
    if (!found) return false;
    for (const { uid } of found.victims) {
      this.snapshot.removePod(uid);
      this.preempted.push({ uid, node: found.node, by: pod });
    }
    this.take(pod, found.node);
    return true;
  }

  private refuse(pod: PodInput): void {
    const key = this.snapshot.handle(pod);
    const known = this.explained.get(key);
    const why = known ?? this.explain(pod);
    if (this.explained.size < maxExplained) this.explained.set(key, why);
    this.refused.push({ pod, ...why });
  }

  private explain(pod: PodInput): Omit<SimulatedRefusal, 'pod'> {
    if (this.explained.size >= maxExplained) {
      return { message: 'fits nowhere; explained are only the first', changes: [] };
    }
    const { message, changes } = this.scheduler.explain(pod, { thorough: true });
    const told = changes.filter(({ type }) => type !== 'drain').map(({ text }) => text);
    return { message, changes: told };
  }
}

/** How full a node is after a simulation, as quantities. */
export interface NodeFill {
  readonly name: string;
  readonly pods: number;
  readonly requested: ResourceList;
  readonly allocatable: ResourceList;
}

/** Every node of the snapshot with what is asked of it. */
export function nodeFills(snapshot: Snapshot): NodeFill[] {
  const { nodes } = snapshot;
  const { resources } = nodes;
  return [...nodes].map((slot) => {
    const amounts = (of: (column: number) => number) =>
      Object.fromEntries(
        resources.names.flatMap((name, column) =>
          name === 'pods' || !resources.allocatable[column]![slot]
            ? []
            : [[name, amountText(name, of(column))]],
        ),
      );
    return {
      name: nodes.name(slot),
      pods: snapshot.podsOn(slot).length,
      requested: amounts((column) => resources.requested(column, slot)),
      allocatable: amounts((column) => resources.allocatable[column]![slot]!),
    };
  });
}

/** A node of a shape for simulations: `NAME-3`, with a host name of its own. */
export function shapedNode(
  name: string,
  allocatable: ResourceList,
  labels: Readonly<Record<string, string>> = {},
): NodeInput {
  return {
    metadata: { name, labels: { 'kubernetes.io/hostname': name, ...labels } },
    status: { allocatable: { pods: '110', ...allocatable } },
  };
}

/** For messages: the pod as `NAMESPACE/NAME`. */
export function podName(pod: PodInput): string {
  return `${pod.metadata.namespace ?? 'default'}/${pod.metadata.name ?? uidOf(pod)}`;
}
