import { bestByBruteForce, evaluate, type Evaluation } from '../evaluation.js';
import { DisruptionBudgets } from '../preemption/disruption-budgets.js';
import type { LabelSet, PodClass, PodHandle } from '../pod-class.js';
import type { Profile } from '../profile.js';
import type { PlacedPod, Rehearsal, Snapshot } from '../snapshot.js';
import type { PodSort, RebalanceOptions } from './plan.js';

export interface Move {
  readonly uid: string;
  readonly from: string;
  readonly to: string;
  /**
   * The pod of the next move, with which it changes places: this one ends first, and comes to its new place when
   * the other has left it.
   */
  readonly exchangeWith?: string;
}

/** A move that is tried out, by slots. */
export interface Step {
  readonly pod: PlacedPod;
  readonly from: number;
  readonly to: number;
  /** The pod of the next step, which it changes places with. */
  readonly exchangeWith?: string;
}

/** What was found out about one state of the cluster. */
class Findings {
  /** The best places of pods alike. */
  readonly places = new Map<PodClass, Map<LabelSet, number[]>>();
  /** Pods for which no place could be cleared. */
  readonly hopeless = new Set<PodClass>();
}

/** The moves of one plan: what is allowed, what is tried, and what is kept. */
export class Moves {
  readonly made: Move[] = [];
  /** Slots that hold pods which do not come with every node: only these take pods. */
  readonly inUse = new Set<number>();
  private readonly sorts = new Map<string, PodSort>();
  private readonly moved = new Set<string>();
  private readonly kept = new Set<number>();
  private readonly budgets: DisruptionBudgets;
  private readonly spent = new Map<number, number>();
  private readonly pods = new Map<number, readonly PlacedPod[]>();
  private steps: Step[] = [];
  private settled = new Findings();
  private findings = this.settled;

  constructor(
    readonly snapshot: Snapshot,
    readonly profile: Profile,
    private readonly options: RebalanceOptions,
    private readonly rehearsal: Rehearsal,
  ) {
    this.budgets = new DisruptionBudgets(options.budgets);
    for (const slot of snapshot.nodes) if (this.tenants(slot).length > 0) this.inUse.add(slot);
  }

  /** Moves that may still be made, besides those that are tried. */
  get left(): number {
    return this.options.maxMoves - this.made.length - this.steps.length;
  }

  /** Moves that are tried at the moment. */
  get tried(): number {
    return this.steps.length;
  }

  /** Of the state as it is tried now. */
  get hopeless(): Set<PodClass> {
    return this.findings.hopeless;
  }

  /** Pods of the node that keep it in use. */
  tenants(slot: number): readonly PlacedPod[] {
    let pods = this.pods.get(slot);
    if (!pods) {
      pods = this.snapshot.podsOn(slot).filter((pod) => this.sortOf(pod) !== 'with-node');
      this.pods.set(slot, pods);
    }
    return pods;
  }

  private sortOf(pod: PlacedPod): PodSort {
    let sort = this.sorts.get(pod.uid);
    if (!sort) this.sorts.set(pod.uid, (sort = this.options.sortOf(pod)));
    return sort;
  }

  /** Whether the pod may go elsewhere and has not done so already. */
  mayMove(pod: PlacedPod): boolean {
    if (this.moved.has(pod.uid) || this.steps.some((step) => step.pod.uid === pod.uid))
      return false;
    return this.sortOf(pod) === 'movable';
  }

  /** A pod came to the node that was not there before; both stay. */
  received(uid: string, slot: number): void {
    this.sorts.set(uid, 'fixed');
    this.inUse.add(slot);
    this.kept.add(slot);
    this.pods.delete(slot);
    this.findings = this.settled = new Findings();
  }

  /** Whether the node took a pod, so that it stays in use. */
  isKept(slot: number): boolean {
    return this.kept.has(slot);
  }

  /** Whether these may go, besides those that are tried. */
  withinBudgets(pods: readonly PlacedPod[]): boolean {
    const asked = new Map<number, number>();
    for (const { labelSet } of [...this.steps.map(({ pod }) => pod), ...pods]) {
      for (const budget of this.budgets.of(labelSet)) {
        asked.set(budget, (asked.get(budget) ?? 0) + 1);
      }
    }
    return [...asked].every(
      ([budget, count]) => count + (this.spent.get(budget) ?? 0) <= this.budgets.allowed(budget),
    );
  }

  /** The best slot in use for one more pod like this one, other than `from`; undefined when there is none. */
  placeFor({ podClass, labelSet }: PodHandle, from: number): number | undefined {
    const { places } = this.findings;
    const byLabels = places.get(podClass) ?? new Map<LabelSet, number[]>();
    places.set(podClass, byLabels);
    let best = byLabels.get(labelSet);
    if (!best) byLabels.set(labelSet, (best = this.bestTwo({ podClass, labelSet })));
    return best.find((slot) => slot !== from);
  }

  /** The two best: whichever slot the pod comes from, one of them is another. */
  private bestTwo(pod: PodHandle): number[] {
    const rules = evaluate(this.snapshot, pod, this.profile);
    const places: number[] = [];
    const fits: Evaluation['fits'] = (slot) =>
      this.inUse.has(slot) && !places.includes(slot) && rules.fits(slot);
    for (let i = 0; i < 2; i++) {
      const slot = bestByBruteForce(this.snapshot, { ...rules, fits })?.slot;
      if (slot === undefined) break;
      places.push(slot);
    }
    return places;
  }

  /** Carries a step out for a look; `undoTo` or `make` follows. */
  attempt(step: Step): void {
    const { pod, to } = step;
    this.rehearsal.lift(pod.uid);
    this.rehearsal.put(pod.uid, to);
    this.steps.push(step);
    this.disturb(step);
    this.findings = new Findings();
  }

  /**
   * Carries a step out if the pod fits there; with `other`, which is where it goes, the two change places: that
   * one has ended when the pod comes, and comes when the pod has ended. False, with nothing done, if not.
   */
  change(step: Step, other: PlacedPod | undefined): boolean {
    const { pod, from, to } = step;
    if (other) this.rehearsal.lift(other.uid);
    if (!this.fits(pod, to)) {
      if (other) this.rehearsal.put(other.uid, to);
      return false;
    }
    this.rehearsal.lift(pod.uid);
    this.rehearsal.put(pod.uid, to);
    if (other && !this.fits(other, from)) {
      this.rehearsal.lift(pod.uid);
      this.rehearsal.put(pod.uid, from);
      this.rehearsal.put(other.uid, to);
      return false;
    }
    if (other) {
      this.rehearsal.put(other.uid, from);
      this.steps.push({ pod: other, from: to, to: from, exchangeWith: pod.uid });
    }
    this.steps.push(step);
    this.disturb(step);
    this.findings = new Findings();
    return true;
  }

  private fits(pod: PodHandle, slot: number): boolean {
    return evaluate(this.snapshot, pod, this.profile).fits(slot);
  }

  /** Takes back the steps after the first `count` of those that are tried. */
  undoTo(count: number): void {
    const steps = this.steps.splice(count).reverse();
    for (const { pod } of steps) this.rehearsal.lift(pod.uid);
    for (const step of steps) {
      this.rehearsal.put(step.pod.uid, step.from);
      this.disturb(step);
    }
    if (steps.length > 0) this.findings = count === 0 ? this.settled : new Findings();
  }

  /** Writes down the steps that are tried, and returns how many. */
  make(): number {
    const { nodes } = this.snapshot;
    const { steps } = this;
    for (const step of steps) {
      const { pod, from, to, exchangeWith } = step;
      const move = { uid: pod.uid, from: nodes.name(from), to: nodes.name(to) };
      this.made.push(exchangeWith === undefined ? move : { ...move, exchangeWith });
      this.moved.add(pod.uid);
      this.kept.add(to);
      this.disturb(step);
      for (const budget of this.budgets.of(pod.labelSet)) {
        this.spent.set(budget, (this.spent.get(budget) ?? 0) + 1);
      }
    }
    this.steps = [];
    if (steps.length > 0) this.findings = this.settled = new Findings();
    return steps.length;
  }

  private disturb({ from, to }: Step): void {
    this.pods.delete(from);
    this.pods.delete(to);
  }
}
