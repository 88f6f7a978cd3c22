import type { ConditionStatus } from '@gantry/api';
import { timestamp } from '@gantry/base';

/** What the conditions of workloads have in common. */
export interface Condition {
  type: string;
  status: ConditionStatus;
  reason?: string;
  message?: string;
  lastTransitionTime?: string;
  lastUpdateTime?: string;
}

export type ConditionState = Pick<Condition, 'type' | 'status' | 'reason' | 'message'>;

export function findCondition<C extends { type: string }>(
  conditions: readonly C[] | undefined,
  type: string,
): C | undefined {
  return conditions?.find((condition) => condition.type === type);
}

/** Conditions with this one set; lastTransitionTime moves only when the status does. */
export function withCondition<C extends Condition>(
  conditions: readonly C[] | undefined,
  state: C,
  nowMs: number,
): C[] {
  const all = [...(conditions ?? [])];
  const at = all.findIndex((condition) => condition.type === state.type);
  const known = all[at];
  const lastTransitionTime =
    known?.status === state.status ? known.lastTransitionTime : timestamp(nowMs);
  const next = { ...state, lastTransitionTime };
  if (at < 0) all.push(next);
  else all[at] = next;
  return all;
}

export function withoutCondition<C extends { type: string }>(
  conditions: readonly C[] | undefined,
  type: string,
): C[] {
  return (conditions ?? []).filter((condition) => condition.type !== type);
}
