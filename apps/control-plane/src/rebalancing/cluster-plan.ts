import {
  matches,
  podGroupOf,
  type Pod,
  type PodDisruptionBudget,
  type RebalancePlanStatus,
} from '@gantry/api';
import { objectKey } from '@gantry/controller';
import {
  planRebalancing,
  profiles,
  uidOf,
  type KeptNode,
  type Profile,
  type RebalancePlan,
} from '@gantry/scheduler';
import { controllerOf } from '../controllers/ownership.js';
import { isPending } from '../scheduling/pending.js';
import { snapshotOf, type ClusterObjects } from '../scheduling/cluster-snapshot.js';
import { disruptionBudgets } from '../scheduling/disruption-budgets.js';
import { mobilityOf } from './mobility.js';

/** The cluster that a plan is made for. */
export interface PlannedCluster extends ClusterObjects {
  readonly budgets: readonly PodDisruptionBudget[];
}

export interface PlanOptions {
  readonly maxMoves: number;
  readonly profile?: Profile;
}

/** Pods or budgets that a message names; the rest is counted. */
const maxNamed = 3;
/** Pending pods that room is sought for, the most important first. */
const maxPending = 20;

/** Plans moves for the cluster as it is, and tells them by name. */
export function planFor(cluster: PlannedCluster, options: PlanOptions): RebalancePlanStatus {
  const { maxMoves, profile = profiles['bin-pack'] } = options;
  const snapshot = snapshotOf(cluster);
  const byUid = new Map(cluster.pods.map((pod) => [uidOf(pod), pod]));
  const pending = pendingOf(cluster.pods);
  const plan = planRebalancing(snapshot, profile, {
    maxMoves,
    pending: pending.map((pod) => snapshot.handle(pod)),
    budgets: disruptionBudgets(cluster.budgets),
    sortOf: ({ uid }) => mobilityOf(byUid.get(uid)!).sort,
  });
  const rooms = plan.rooms
    .filter(({ moves }) => moves > 0)
    .map(({ pod, ...room }) => ({ pod: objectKey(pending[pod]!), ...room }));
  const reasons = rooms.flatMap(({ pod, moves }) =>
    Array.from({ length: moves }, () => `makes room for ${pod}`),
  );
  return {
    moves: plan.moves.map((move, i) => {
      const pod = byUid.get(move.uid)!;
      const { namespace = '', name = '' } = pod.metadata;
      const owner = controllerOf(pod)!;
      const { exchangeWith } = move;
      const other = exchangeWith === undefined ? undefined : byUid.get(exchangeWith);
      const reason = [
        reasons[i] ?? `frees ${move.from}`,
        other ? `; goes first and changes places with ${objectKey(other)}` : '',
      ].join('');
      return { namespace, pod: name, ...move, owner: `${owner.kind}/${owner.name}`, reason };
    }),
    freed: plan.freed,
    rooms,
    kept: plan.kept.map((kept) => ({
      node: kept.node,
      message: keptSentence(kept, byUid, cluster.budgets),
    })),
    before: plan.before,
    after: plan.after,
    gain: gainSentence(plan, rooms.length),
  };
}

/** Single pods that wait for a node, and not for a volume with it. */
function pendingOf(pods: readonly Pod[]): Pod[] {
  const isAlone = (pod: Pod) =>
    !podGroupOf(pod) && !pod.spec.volumes?.some((volume) => volume.persistentVolumeClaim);
  return pods
    .filter((pod) => isPending(pod) && isAlone(pod))
    .sort((a, b) => (b.spec.priority ?? 0) - (a.spec.priority ?? 0))
    .slice(0, maxPending);
}

function keptSentence(
  { reason, pods }: KeptNode,
  byUid: ReadonlyMap<string, Pod>,
  budgets: readonly PodDisruptionBudget[],
): string {
  const known = pods.flatMap((uid) => byUid.get(uid) ?? []);
  if (reason === 'fixed') return told(known.map((p) => `${objectKey(p)} ${mobilityOf(p).why}`));
  if (reason === 'moves') return `its ${pods.length} pods are more than the moves that are left`;
  if (reason === 'room') return `no other node in use has room for ${objectKey(known[0]!)}`;
  const inTheWay = budgets.filter(({ metadata, spec }) =>
    known.some(
      (pod) =>
        pod.metadata.namespace === metadata.namespace &&
        spec.selector &&
        matches(spec.selector, pod.metadata.labels),
    ),
  );
  const named = inTheWay.map(
    (budget) => `${objectKey(budget)} (allows ${budget.status?.disruptionsAllowed ?? 0})`,
  );
  return `more of its pods would go than disruption budgets allow: ${told(named)}`;
}

function told(items: readonly string[]): string {
  const rest = items.length - maxNamed;
  const shown = items.slice(0, maxNamed);
  return (rest > 0 ? [...shown, `${rest} more`] : shown).join(', ');
}

function gainSentence({ freed, moves, before }: RebalancePlan, rooms: number): string {
  if (moves.length === 0) return 'nothing to gain within these bounds';
  const gains = [
    freed.length > 0
      ? `frees ${freed.length} of ${before.nodesInUse} nodes in use (${told(freed)})`
      : '',
    rooms > 0 ? `makes room for ${rooms} pending pod${rooms === 1 ? '' : 's'}` : '',
  ];
  return gains.filter((gain) => gain !== '').join(' and ');
}
