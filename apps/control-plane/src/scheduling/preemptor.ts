import { PodDisruptionBudgetKind, type Pod, type PodDisruptionBudget } from '@gantry/api';
import { objectKey, type Informer, type Informers } from '@gantry/controller';
import {
  mayPreempt,
  Nominations,
  preempt,
  preemptTogether,
  uidOf,
  type Decision,
  type GangMember,
  type PodHandle,
  type Preemption,
  type Scheduler,
  type TenantFacts,
} from '@gantry/scheduler';
import { podInformer, podsOnNode } from '../controllers/pod-index.js';
import {
  exchangeWithAnnotation,
  keepsRoomAnnotation,
  preferredNodeAnnotation,
  replacesAnnotation,
  waitsForExchange,
} from '../rebalancing/relocations.js';
import { disruptionBudgets } from './disruption-budgets.js';
import type { Evacuations } from './evacuations.js';

/** How a pod that fitted nowhere stands after its attempt to preempt others. */
export interface PreemptionOutcome {
  /** It fits at once, since only pods had to give way that had not come yet. */
  readonly decision?: Decision;
  /** For the pod's condition and for `why`. */
  readonly message: string;
}

export interface PreemptorOptions {
  readonly scheduler: Scheduler;
  readonly informers: Informers;
  readonly evacuations: Evacuations;
  /** Whether the informers show the pods that the snapshot shows: who may have to go is looked up there. */
  readonly seesPods: () => boolean;
}

/** How far apart successive searches begin, so that over time all nodes are met. */
const attemptStride = 101;

/** Uid of the pod in whose place this one was made; empty where there was none. */
const replacedBy = ({ metadata }: Pod) => metadata.annotations?.[replacesAnnotation] ?? '';

const preferredNodeOf = ({ metadata }: Pod) => metadata.annotations?.[preferredNodeAnnotation];

/** Makes room for pods by taking less important ones away, and keeps the room for them meanwhile. */
export class Preemptor {
  readonly nominations: Nominations;
  private readonly pods: Informer<Pod>;
  private readonly budgets: Informer<PodDisruptionBudget>;
  /** The nominated pods, as they were then. */
  private readonly waiting = new Map<string, Pod>();
  private attempts = 0;

  constructor(private readonly options: PreemptorOptions) {
    this.nominations = new Nominations(options.scheduler.snapshot);
    this.pods = podInformer(options.informers);
    this.budgets = options.informers.for(PodDisruptionBudgetKind);
  }

  get synced(): Promise<void> {
    return this.budgets.synced;
  }

  /** As the scheduler decides; a pod for which a node is cleared goes there as soon as it fits. */
  decide(uid: string, handle: PodHandle): Decision {
    const { scheduler } = this.options;
    const known = this.nominations.get(uid);
    if (!known) return scheduler.decide(handle);
    return this.nominations.without(uid, () => {
      return scheduler.decideFor(handle, known.node) ?? scheduler.decide(handle);
    });
  }

  /**
   * Takes up the nomination of a pod that an earlier leader made. What is kept for it where it was made for stays
   * so until it has been decided upon.
   */
  adopt(pod: Pod): void {
    const kept = this.nominations.get(replacedBy(pod))?.node;
    if (kept !== preferredNodeOf(pod)) this.withdraw(replacedBy(pod));
    const node = pod.status?.nominatedNodeName;
    if (!node) return;
    this.waiting.set(uidOf(pod), pod);
    this.nominations.nominate(uidOf(pod), this.options.scheduler.snapshot.handle(pod), node);
  }

  /**
   * Whether the pod waits to change places with another: it keeps the room that the one before it has left, so
   * that nobody but the other comes there.
   */
  keepsRoom(pod: Pod): boolean {
    const node = pod.metadata.annotations?.[keepsRoomAnnotation];
    if (node === undefined || !waitsForExchange(pod)) return false;
    if (!this.waiting.has(uidOf(pod))) this.keep(pod, node);
    this.withdraw(replacedBy(pod));
    return true;
  }

  /**
   * Keeps the room of a pod that has made way for another until the one in its place is seen, which keeps it from
   * then on; of two that change places also when the second one has ended. False for all others.
   */
  keepsPlaceOf(pod: Pod): boolean {
    const node = pod.metadata.annotations?.[keepsRoomAnnotation];
    if (node === undefined || node !== pod.spec.nodeName) return this.handsOver(pod);
    const isReplaced = [...this.waiting.values()].some((each) => replacedBy(each) === uidOf(pod));
    if (!isReplaced) this.keep(pod, node);
    return !isReplaced;
  }

  /**
   * The second of two that change places has ended before its replacement came to the room that is kept for it:
   * that is kept in its own name from now on, and the first one's replacement keeps the room that it has left.
   */
  private handsOver(pod: Pod): boolean {
    if (this.waiting.has(uidOf(pod))) return pod.spec.nodeName !== undefined;
    const keeper = this.keeperFor(uidOf(pod));
    const kept = keeper && this.nominations.get(uidOf(keeper))?.node;
    const next = keeper && preferredNodeOf(keeper);
    if (!kept || next !== pod.spec.nodeName || kept === next) return false;
    this.keep(keeper, next!);
    this.keep(pod, kept);
    return true;
  }

  /** The pod that waits to change places with this one. */
  private keeperFor(uid: string): Pod | undefined {
    if (uid === '') return undefined;
    return [...this.waiting.values()].find(
      ({ metadata }) => metadata.annotations?.[exchangeWithAnnotation] === uid,
    );
  }

  private keep(pod: Pod, node: string): void {
    this.waiting.set(uidOf(pod), pod);
    this.nominations.nominate(uidOf(pod), this.options.scheduler.snapshot.handle(pod), node);
  }

  /**
   * Decides with the room free that is kept for this pod. Once it has a place, the pod that kept it keeps the one
   * that this pod's like has left.
   */
  inKeptRoom(pod: Pod, decide: () => Decision | undefined): Decision | undefined {
    const replaced = replacedBy(pod);
    const keeper = this.keeperFor(replaced);
    const { nominations } = this;
    const alone = () =>
      nominations.without(replaced, () => nominations.without(uidOf(pod), decide));
    const decision = keeper ? nominations.without(uidOf(keeper), alone) : alone();
    if (!decision) return undefined;
    this.withdraw(replaced);
    const next = keeper && preferredNodeOf(keeper);
    if (next !== undefined) this.keep(keeper!, next);
    return decision;
  }

  /** The pod is bound or gone, or another took its place; the node where room was kept for it. */
  withdraw(uid: string): string | undefined {
    return this.waiting.delete(uid) ? this.nominations.withdraw(uid)?.node : undefined;
  }

  private get isFree(): boolean {
    return this.options.seesPods() && !this.options.evacuations.isBusy;
  }

  /** Whether the pod may take others away, now. */
  mayAttempt(pod: Pod): boolean {
    return mayPreempt(pod.spec) && this.isFree;
  }

  /** Clears a node for a pod that fits nowhere and may attempt it; undefined when no node could be cleared. */
  attempt(pod: Pod, handle: PodHandle): PreemptionOutcome | undefined {
    const { scheduler } = this.options;
    const found = this.nominations.without(uidOf(pod), () =>
      preempt(scheduler.snapshot, scheduler.profile, handle, {
        tenants: (node) => this.tenants(node),
        budgets: disruptionBudgets(this.budgets.list()),
        from: (this.attempts += attemptStride),
      }),
    );
    return found && this.carryOut(pod, handle, found);
  }

  /** The members with the nodes that are being cleared for them, of which nothing is counted meanwhile. */
  decideTogether<T>(
    members: readonly GangMember[],
    decide: (members: readonly GangMember[]) => T,
  ): T {
    const { nominations } = this;
    const cleared = members.map((member) => {
      const node = nominations.get(member.uid)?.node;
      return node === undefined ? member : { ...member, preferred: node };
    });
    const nested = cleared.reduce<() => T>(
      (look, { uid }) =>
        () =>
          nominations.without(uid, look),
      () => decide(cleared),
    );
    return nested();
  }

  /** Clears room for a gang as a whole: its victims, or undefined when it may not, or that would not be enough. */
  attemptGang(
    pods: readonly Pod[],
    members: readonly GangMember[],
    required: number,
  ): { readonly victims: number; readonly message: string } | undefined {
    const { scheduler } = this.options;
    if (!pods.every(({ spec }) => mayPreempt(spec)) || !this.isFree) return undefined;
    const found = this.decideTogether(members, () =>
      preemptTogether(scheduler, members, required, {
        tenants: (node) => this.tenants(node),
        budgets: disruptionBudgets(this.budgets.list()),
      }),
    );
    if (!found) return undefined;
    this.drop(found);
    const going: Pod[] = [];
    found.nodes.forEach((node, i) => {
      if (node === undefined) return this.withdraw(members[i]!.uid);
      const uids = new Set(found.victims.flatMap((v) => (v.node === node ? [v.uid] : [])));
      const there = podsOnNode(this.pods, node).filter((each) => uids.has(uidOf(each)));
      const victims = there.filter((each) => !going.includes(each));
      going.push(...victims);
      this.clearFor(pods[i]!, members[i]!.handle, node, victims);
    });
    return { victims: going.length, message: gangSentence(found.violations, going) };
  }

  private clearFor(pod: Pod, handle: PodHandle, node: string, victims: readonly Pod[]): void {
    const uid = uidOf(pod);
    const before = this.nominations.get(uid)?.node;
    this.waiting.set(uid, pod);
    this.nominations.nominate(uid, handle, node);
    const { evacuations } = this.options;
    if (victims.length > 0) evacuations.start({ preemptor: pod, node, victims });
    else if (before !== node) evacuations.nominate(pod, node);
  }

  private carryOut(pod: Pod, handle: PodHandle, found: Preemption): PreemptionOutcome {
    const { scheduler, evacuations } = this.options;
    const uid = uidOf(pod);
    const before = this.nominations.get(uid);
    this.drop(found);
    const onNode = new Map(podsOnNode(this.pods, found.node).map((each) => [uidOf(each), each]));
    const victims = found.victims.flatMap((v) => onNode.get(v.uid) ?? []);
    if (victims.length === 0 && before === undefined) {
      const decision = scheduler.decideFor(handle, found.node);
      if (decision) return { decision, message: '' };
    }
    this.waiting.set(uid, pod);
    this.nominations.nominate(uid, handle, found.node);
    if (victims.length > 0) evacuations.start({ preemptor: pod, node: found.node, victims });
    else if (before?.node !== found.node) evacuations.nominate(pod, found.node);
    return { message: sentence(found, victims) };
  }

  /** Less important pods that wait for a place on the node wait elsewhere from now on. */
  private drop({ victims }: Pick<Preemption, 'victims'>): void {
    const dropped = victims.flatMap((victim) => this.nominations.behind(victim.uid) ?? []);
    for (const { uid } of dropped) {
      const pod = this.waiting.get(uid);
      this.withdraw(uid);
      if (pod) this.options.evacuations.clear([pod]);
    }
  }

  private tenants(node: string): ReadonlyMap<string, TenantFacts> {
    const facts = new Map<string, TenantFacts>();
    for (const pod of podsOnNode(this.pods, node)) {
      const uid = uidOf(pod);
      const isEnding =
        pod.metadata.deletionTimestamp !== undefined || this.options.evacuations.isGoing(uid);
      const started = pod.status?.startTime ?? pod.metadata.creationTimestamp ?? '';
      facts.set(uid, { startMs: Date.parse(started) || 0, isEnding });
    }
    for (const uid of this.nominations.on(node)) {
      facts.set(uid, { startMs: Infinity, isEnding: false });
    }
    return facts;
  }
}

/** Victims that are named; the rest are counted. */
const maxNamed = 3;

function namesOf(victims: readonly Pod[]): string {
  const named = victims.slice(0, maxNamed).map(objectKey);
  if (victims.length > maxNamed) named.push(`${victims.length - maxNamed} more`);
  return named.join(', ');
}

function gangSentence(violations: number, victims: readonly Pod[]): string {
  const beyond = violations > 0 ? ` (${violations} beyond what disruption budgets allow)` : '';
  return victims.length === 0
    ? 'the group waits for pods that are ending'
    : `the group preempts ${namesOf(victims)}${beyond} and waits for them to end`;
}

function sentence({ node, violations }: Preemption, victims: readonly Pod[]): string {
  const beyond = violations > 0 ? ` (${violations} beyond what disruption budgets allow)` : '';
  return victims.length === 0
    ? `waits for pods that are ending on ${node}`
    : `preempts ${namesOf(victims)} on ${node}${beyond} and waits for them to end`;
}
