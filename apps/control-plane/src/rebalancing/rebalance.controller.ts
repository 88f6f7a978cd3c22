import { isRebalanced, RebalanceKind, type Rebalance } from '@gantry/api';
import { isReason } from '@gantry/base';
import { Controller, source } from '@gantry/controller';
import type { Profile } from '@gantry/scheduler';
import type { ControllerContext } from '../controllers/context.js';
import { replacesAnnotation, waitsForExchange, type Relocations } from './relocations.js';
import { Rebalancer } from './rebalancer.js';

/** Rebalances that are over and stay to be read. */
const maxKept = 10;
/** All are one matter: there is one at a time. */
const key = 'rebalances';

/** Carries out Rebalances, the oldest first and never two at a time, and forgets old ones. */
export function rebalanceController(
  context: ControllerContext,
  relocations: Relocations,
  profile?: Profile,
): Controller {
  const { informers, resources, logger, clock } = context;
  const rebalances = informers.for(RebalanceKind);
  const rebalancer = new Rebalancer(context, relocations, profile);
  const { pods } = rebalancer;
  /** Uids of the pods that are to go. */
  let moving = new Set<string>();
  const forget = async ({ metadata }: Rebalance) => {
    await resources
      .delete(RebalanceKind, undefined, metadata.name!, { preconditions: { uid: metadata.uid! } })
      .catch((error: unknown) => {
        if (!isReason(error, 'NotFound') && !isReason(error, 'Conflict')) throw error;
      });
  };
  return new Controller({
    name: 'rebalance',
    concurrency: 1,
    sources: [
      source(rebalances, () => [key]),
      source(pods, (pod) => {
        const { metadata } = pod;
        const replaced = metadata.annotations?.[replacesAnnotation];
        if (waitsForExchange(pod)) return [key];
        return moving.has(metadata.uid!) || (replaced && moving.has(replaced)) ? [key] : [];
      }),
    ],
    async reconcile() {
      const all = rebalances.list().sort(byAge);
      const open = all.filter((each) => !isRebalanced(each) && !each.metadata.deletionTimestamp);
      const over = all.filter(isRebalanced);
      for (const each of over.slice(0, Math.max(0, over.length - maxKept))) await forget(each);
      const [first] = open;
      moving = new Set(first?.spec.moves.map(({ uid }) => uid));
      await rebalancer.releaseAllBut(first);
      return first && rebalancer.advance(first);
    },
    logger,
    clock,
    ...(context.metrics ? { metrics: context.metrics } : {}),
  });
}

function byAge(a: Rebalance, b: Rebalance): number {
  const age = ({ metadata }: Rebalance) => `${metadata.creationTimestamp}/${metadata.name}`;
  return age(a) < age(b) ? -1 : 1;
}
