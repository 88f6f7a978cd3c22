/**
 * Where a pod should run, as a pure function: a `Snapshot` of nodes and pods kept by increments, a `Profile`
 * of filters and scores, a `Scheduler` that decides, and an explanation for every decision. It reads no
 * clock, does no I/O and draws no random numbers; the caller stores bindings and feeds back what came of them.
 */
export type { Filter, NodeCheck, NodeRefusal, Refusal } from './filters/filter.js';
export type { PlacementExplanation } from './explain/explanation.js';
export type { NodeExplanation } from './explain/node-explanation.js';
export { amountText } from './amount-text.js';
export type * from './input.js';
export type { DisruptionBudget } from './preemption/disruption-budgets.js';
export { Nominations, type Nomination } from './preemption/nominations.js';
export { placeTogether, type GangDecision, type GangMember } from './gangs/place-together.js';
export { mayPreempt, preempt, type Preemption } from './preemption/preempt.js';
export type { Tenant, TenantFacts, TenantSource } from './preemption/tenants.js';
export { profiles, type Profile, type ProfileName } from './profile.js';
export { FairOrder, type Waiting } from './queues/fair-order.js';
export { couldHelp, type ClusterEvent } from './queues/hints.js';
export { NamespaceShares } from './queues/namespace-shares.js';
export * from './reclaim/offer.js';
export { podsToReclaim, type ReclaimablePod } from './reclaim/plan.js';
export {
  isReclaimablePod,
  overcommitLabel,
  reclaimableCpu,
  reclaimableMemory,
} from './reclaim/reclaimable.js';
export { podRequests, type Amounts } from './requests.js';
export type { Ask } from './resource-table.js';
export { Scheduler, type Decision } from './scheduler.js';
export type { Score, WeightedScore } from './scores/score.js';
export type { PodHandle } from './pod-class.js';
export {
  Snapshot,
  uidOf,
  type PlacedPod,
  type PodLedger,
  type SnapshotObserver,
} from './snapshot.js';
export { tolerates, untoleratedTaint } from './tolerations.js';
