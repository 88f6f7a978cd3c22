import {
  isRebalanced,
  rebalanceMoves,
  NamespaceKind,
  NodeKind,
  PodDisruptionBudgetKind,
  PodKind,
  RebalanceKind,
} from '@gantry/api';
import { delay, describeError } from '@gantry/base';
import type { Profile } from '@gantry/scheduler';
import type { ControllerContext } from '../controllers/context.js';
import { planFor } from './cluster-plan.js';

export interface RebalanceScheduleOptions {
  /** From the beginning of one rebalance to the next. */
  readonly everyMs: number;
  readonly maxMoves: number;
  readonly profile?: Profile;
}

/** Names of what was begun here, and by no person. */
const prefix = 'scheduled-';

/** Begins a rebalance now and then, where there is something to gain and none is under way. */
export class RebalanceSchedule {
  constructor(
    private readonly context: ControllerContext,
    private readonly options: RebalanceScheduleOptions,
  ) {
    // An informer is fed only when it was asked for before.
    const { informers } = context;
    informers.for(NodeKind);
    informers.for(PodKind);
    informers.for(NamespaceKind);
    informers.for(PodDisruptionBudgetKind);
    informers.for(RebalanceKind);
  }

  /** Works until the signal aborts. The first one comes after a whole period. */
  async run(signal: AbortSignal): Promise<void> {
    const { clock, logger } = this.context;
    for (;;) {
      await delay(clock, this.options.everyMs, signal).catch(() => {});
      if (signal.aborted) return;
      try {
        await this.begin();
      } catch (error) {
        if (!signal.aborted) logger.warn({}, `begin a rebalance: ${describeError(error)}`);
      }
    }
  }

  private async begin(): Promise<void> {
    const { informers, resources, clock } = this.context;
    if (
      informers
        .for(RebalanceKind)
        .list()
        .some((each) => !isRebalanced(each))
    )
      return;
    const cluster = {
      nodes: informers.for(NodeKind).list(),
      pods: informers.for(PodKind).list(),
      namespaces: informers.for(NamespaceKind).list(),
      budgets: informers.for(PodDisruptionBudgetKind).list(),
    };
    const { moves, gain } = planFor(cluster, this.options);
    if (moves.length === 0) return;
    const name = `${prefix}${clock.now()}`;
    const spec = { moves: rebalanceMoves(moves), gain };
    await resources.create(RebalanceKind, undefined, { metadata: { name }, spec });
  }
}
