import { NamespaceKind, NodeKind, PodDisruptionBudgetKind, PodKind } from '@gantry/api';
import type { ApiObject, Kind } from '@gantry/api-machinery';
import { invalid } from '@gantry/base';
import { maxRebalanceMoves } from '@gantry/api';
import type { Profile } from '@gantry/scheduler';
import type { ComputedResource, Resources, SubresourceRequest } from '../api/index.js';
import { planFor } from './cluster-plan.js';

export interface RebalancePlansOptions {
  readonly resources: Resources;
  readonly profile?: Profile;
}

/** Moves of a plan unless it says otherwise. */
export const defaultMaxMoves = 5;

/** POST gantry.dev/v1 rebalanceplans: what a rebalance would move and gain, answered in `status` and never stored. */
export function rebalancePlanResource(options: RebalancePlansOptions): ComputedResource {
  return {
    group: 'gantry.dev',
    version: 'v1',
    kind: 'RebalancePlan',
    plural: 'rebalanceplans',
    singular: 'rebalanceplan',
    namespaced: false,
    verbs: ['create'],
    handle: async (request) => ({ json: await answer(options, request), status: 201 }),
  };
}

async function answer({ resources, profile }: RebalancePlansOptions, request: SubresourceRequest) {
  const maxMoves = maxMovesOf(request.body);
  const all = async <T extends ApiObject>(kind: Kind<T>) =>
    (await resources.list(kind, { resourceVersion: '0' })).items;
  const cluster = {
    nodes: await all(NodeKind),
    pods: await all(PodKind),
    namespaces: await all(NamespaceKind),
    // Budgets decide what may be disturbed: as they are, not as they were.
    budgets: (await resources.list(PodDisruptionBudgetKind)).items,
  };
  const status = planFor(cluster, { maxMoves, ...(profile ? { profile } : {}) });
  return {
    apiVersion: 'gantry.dev/v1',
    kind: 'RebalancePlan',
    metadata: {},
    spec: { maxMoves },
    status,
  };
}

function maxMovesOf(body: unknown): number {
  const { spec } = (body ?? {}) as { spec?: { maxMoves?: unknown } };
  const { maxMoves = defaultMaxMoves } = spec ?? {};
  const isNumber = typeof maxMoves === 'number' && Number.isInteger(maxMoves);
  if (isNumber && maxMoves > 0 && maxMoves <= maxRebalanceMoves) return maxMoves;
  const message = `must be a whole number from 1 to ${maxRebalanceMoves}`;
  const causes = [{ reason: 'FieldValueInvalid', field: 'spec.maxMoves', message }];
  throw invalid({ kind: 'RebalancePlan', name: '', group: 'gantry.dev', causes });
}
