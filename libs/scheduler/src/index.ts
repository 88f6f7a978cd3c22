/**
 * Where a pod should run, as a pure function: a `Snapshot` of nodes and pods kept by increments, a `Profile`
 * of filters and scores, a `Scheduler` that decides, and an explanation for every decision. It reads no
 * clock, does no I/O and draws no random numbers; the caller stores bindings and feeds back what came of them.
 */
export type { Filter, NodeCheck, NodeRefusal, Refusal } from './filters/filter.js';
export type { PlacementExplanation } from './explain/explanation.js';
export type { Candidate } from './explain/candidates.js';
export type { RefusalCount } from './explain/refusal-groups.js';
export type { Change, ChangeType } from './advice/change.js';
export { drainText } from './advice/drain.js';
export {
  nodeFills,
  podName,
  shapedNode,
  simulate,
  type SimulatedPod,
  type SimulationOptions,
  type SimulationResult,
} from './simulate/simulate.js';
export { maxNodes, sizeFor, type Sizing } from './simulate/sizing.js';
export type { NodeExplanation } from './explain/node-explanation.js';
export { amountText } from './amount-text.js';
export { decisiveParts } from './decisive-parts.js';
export { devicesAnnotation, type DeviceHoldings } from './devices/holdings.js';
export type * from './input.js';
export type { DisruptionBudget } from './preemption/disruption-budgets.js';
export { matchesTerms } from './node-selector.js';
export { Nominations, type Nomination } from './preemption/nominations.js';
export { placeTogether, type GangDecision, type GangMember } from './gangs/place-together.js';
export { preemptTogether, type GangPreemption } from './gangs/preempt-together.js';
export { mayPreempt, preempt, type Preemption } from './preemption/preempt.js';
export type { Tenant, TenantFacts, TenantSource } from './preemption/tenants.js';
export {
  customProfile,
  profiles,
  type Profile,
  type ProfileChanges,
  type ProfileName,
} from './profile.js';
export { FairOrder, type Waiting } from './queues/fair-order.js';
export { couldHelp, type ClusterEvent } from './queues/hints.js';
export { NamespaceShares } from './queues/namespace-shares.js';
export * from './reclaim/offer.js';
export { podsToReclaim, type ReclaimablePod } from './reclaim/plan.js';
export { overcommitLabel, reclaimableCpu, reclaimableMemory } from './reclaim/reclaimable.js';
export type { RebalanceFigures } from './rebalance/figures.js';
export type { KeptNode } from './rebalance/free-nodes.js';
export {
  planRebalancing,
  type PodSort,
  type RebalanceOptions,
  type RebalancePlan,
} from './rebalance/plan.js';
export { podRequests, type Amounts } from './requests.js';
export type { Ask, DeviceAsk, ResourceTable } from './resource-table.js';
export { Scheduler, type Decision } from './scheduler.js';
export type { NodeScore, Score, WeightedScore } from './scores/score.js';
export type { LabelSet, PodClass, PodHandle } from './pod-class.js';
export {
  Snapshot,
  uidOf,
  type PlacedPod,
  type PodLedger,
  type SnapshotObserver,
} from './snapshot.js';
export { tolerates } from './tolerations.js';
export type { Operation, RecordedPod, Recorder } from './replay/operation.js';
export { RecordingScheduler, RecordingSnapshot } from './replay/recording.js';
export { replay, type Divergence, type ReplayReport } from './replay/replay.js';
