import {
  ApiObject,
  defineKind,
  Describe,
  Field,
  invalidValue,
  list,
  type FieldError,
} from '@gantry/api-machinery';
import { ageColumn, column, nameColumn, wideColumn } from '../core/columns.js';

/** Moves of one Rebalance. */
export const maxRebalanceMoves = 1_000;

@Describe(
  'RebalanceMove takes one pod from its node, so that the one that replaces it comes to another.',
)
export class RebalanceMove {
  @Field('string', 'Namespace of the pod.', { required: true })
  namespace: string;

  @Field('string', 'Name of the pod.', { required: true })
  pod: string;

  @Field('string', 'Its uid: another pod of the name is left alone.', { required: true })
  uid: string;

  @Field('string', 'Node that it is on.', { required: true })
  from: string;

  @Field('string', 'Node that its replacement shall come to.', { required: true })
  to: string;

  @Field(
    'string',
    'Uid of the pod of the next move, with which it changes places: this one goes first, and its replacement comes when that one has gone.',
  )
  exchangeWith?: string;
}

@Describe('RebalanceSpec says which pods are moved, one after the other.')
export class RebalanceSpec {
  @Field(list(() => RebalanceMove), 'The moves in their order.', { required: true })
  moves: RebalanceMove[];

  @Field('string', 'What is gained by them, for people.')
  gain?: string;
}

@Describe('RebalanceStatus says how far the moves are.')
export class RebalanceStatus {
  @Field('string', 'Pending, Running, Completed or Stopped.')
  phase?: string;

  @Field('string', 'What happens now, or why it stopped.')
  message?: string;

  @Field('int32', 'Moves that are done.')
  moved?: number;

  @Field('boolean', 'Whether the pod of the next move is on its way out already.')
  evicting?: boolean;

  @Field('boolean', 'Whether it has gone already, and the pod that it changes places with is next.')
  exchanging?: boolean;

  @Field('string', 'Uid of the controller that replaces that pod.')
  owner?: string;

  @Field('time', 'When the move that is under way began.')
  moveStartedAt?: string;

  @Field('time', 'When it was over.')
  completedAt?: string;
}

@Describe('Rebalance moves pods to better places, each only when the one before runs again.')
export class Rebalance extends ApiObject {
  @Field(() => RebalanceSpec, 'What is moved; it cannot be changed.', { required: true })
  spec: RebalanceSpec;

  @Field(() => RebalanceStatus, 'Observed state.')
  status?: RebalanceStatus;
}

/** Whether nothing more will be moved. */
export function isRebalanced({ status }: Rebalance): boolean {
  return status?.phase === 'Completed' || status?.phase === 'Stopped';
}

function checkMoves({ spec: { moves } }: Rebalance): FieldError[] {
  if (moves.length === 0 || moves.length > maxRebalanceMoves) {
    const detail = `must be 1 to ${maxRebalanceMoves} moves`;
    return [invalidValue('spec.moves', moves.length, detail)];
  }
  const errors = moves.flatMap(({ from, to }, i) =>
    from === to ? [invalidValue(`spec.moves[${i}].to`, to, 'must be another node')] : [],
  );
  errors.push(...moves.flatMap((_, i) => checkExchange(moves, i)));
  const twice = moves.findIndex(({ uid }, i) => moves.findIndex((m) => m.uid === uid) < i);
  if (twice < 0) return errors;
  return [
    ...errors,
    invalidValue(`spec.moves[${twice}].uid`, moves[twice]!.uid, 'a pod moves once'),
  ];
}

function checkExchange(moves: readonly RebalanceMove[], i: number): FieldError[] {
  const { exchangeWith, from, to } = moves[i]!;
  if (exchangeWith === undefined) return [];
  const next = moves[i + 1];
  const isMirrored = next?.uid === exchangeWith && next.from === to && next.to === from;
  if (isMirrored && next.exchangeWith === undefined) return [];
  const detail = 'must be the pod of the next move, which goes the other way';
  return [invalidValue(`spec.moves[${i}].exchangeWith`, exchangeWith, detail)];
}

/** A planned move with what it is for. */
export interface PlannedRebalanceMove extends RebalanceMove {
  /** `Kind/name` of the controller that replaces the pod. */
  readonly owner: string;
  readonly reason: string;
}

/** How well a cluster is packed; `idleCpu` and `idleMemory` are shares of the nodes in use, from 0 to 1. */
export interface RebalancePlanFigures {
  readonly nodesInUse: number;
  /** Pods that fit nowhere. */
  readonly pending: number;
  readonly idleCpu: number;
  readonly idleMemory: number;
}

/** `status` of a RebalancePlan, which is answered and never stored. */
export interface RebalancePlanStatus {
  /** In the order in which they are made. */
  readonly moves: readonly PlannedRebalanceMove[];
  readonly freed: readonly string[];
  /** Pending pods that moves make room for, and where. */
  readonly rooms: readonly {
    readonly pod: string;
    readonly node: string;
    readonly moves: number;
  }[];
  /** Nodes that stay in use, and why. */
  readonly kept: readonly { readonly node: string; readonly message: string }[];
  readonly before: RebalancePlanFigures;
  readonly after: RebalancePlanFigures;
  /** One sentence. */
  readonly gain: string;
}

/** What of planned moves is written into a Rebalance. */
export function rebalanceMoves(moves: readonly PlannedRebalanceMove[]): RebalanceMove[] {
  return moves.map(({ namespace, pod, uid, from, to, exchangeWith }) => ({
    namespace,
    pod,
    uid,
    from,
    to,
    ...(exchangeWith === undefined ? {} : { exchangeWith }),
  }));
}

export const RebalanceKind = defineKind<Rebalance>({
  group: 'gantry.dev',
  version: 'v1',
  kind: 'Rebalance',
  plural: 'rebalances',
  namespaced: false,
  type: Rebalance,
  subresources: { status: true },
  columns: [
    nameColumn,
    column('Phase', 'How far it is.', ({ status }) => status?.phase ?? 'Pending'),
    column('Moved', 'Moves that are done.', ({ spec, status }) => {
      return `${status?.moved ?? 0}/${spec.moves.length}`;
    }),
    ageColumn,
    wideColumn('Message', 'What happens.', ({ status }) => status?.message ?? ''),
  ],
  validate: checkMoves,
  validateUpdate: (now, before) =>
    JSON.stringify(now.spec.moves) === JSON.stringify(before.spec.moves)
      ? []
      : [invalidValue('spec.moves', now.spec.moves.length, 'field is immutable')],
  initialStatus: () => ({ phase: 'Pending', moved: 0 }),
});
