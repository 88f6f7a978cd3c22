import {
  matches,
  NodeKind,
  PodDisruptionBudgetKind,
  type Node,
  type Pod,
  type PodDisruptionBudget,
  type RebalanceMove,
} from '@gantry/api';
import { objectKey, type Informer, type Informers } from '@gantry/controller';
import type { Profile } from '@gantry/scheduler';
import { podInformer, podsOnNode } from '../controllers/pod-index.js';
import { mobilityOf } from './mobility.js';
import { fitsOn } from './target.js';

export const podOf = ({ namespace, pod }: RebalanceMove) => `${namespace}/${pod}`;

const changed = 'since it was planned: plan again';

/** Tells why a planned move no longer makes sense, or must wait. */
export class Obstacles {
  private readonly pods: Informer<Pod>;
  private readonly nodes: Informer<Node>;
  private readonly budgets: Informer<PodDisruptionBudget>;

  constructor(
    informers: Informers,
    private readonly profile?: Profile,
  ) {
    this.pods = podInformer(informers);
    this.nodes = informers.for(NodeKind);
    this.budgets = informers.for(PodDisruptionBudgetKind);
  }

  /** Why the move cannot be made as it was planned; `leaving` goes from its new node before it comes. */
  of(move: RebalanceMove, pod: Pod | undefined, leaving?: string): string | undefined {
    if (pod?.spec.nodeName !== move.from) {
      return `pod ${podOf(move)} is no longer on ${move.from}; the cluster has changed ${changed}`;
    }
    const { sort, why } = mobilityOf(pod);
    if (sort !== 'movable') return `pod ${podOf(move)} ${why}; that has changed ${changed}`;
    const node = this.nodes.get(undefined, move.to);
    const there = podsOnNode(this.pods, move.to).filter(({ metadata }) => metadata.uid !== leaving);
    if (node && fitsOn(pod, node, there, this.profile)) return undefined;
    return `pod ${podOf(move)} does not fit on ${move.to} any more; the cluster has changed ${changed}`;
  }

  /** The budget that does not allow these pods to be away at once. */
  budgetAgainst(pods: readonly Pod[]): string | undefined {
    for (const budget of this.budgets.list()) {
      const { metadata, spec, status } = budget;
      const counted = pods.filter(
        (pod) =>
          pod.metadata.namespace === metadata.namespace &&
          spec.selector &&
          matches(spec.selector, pod.metadata.labels),
      );
      const allowed = status?.disruptionsAllowed ?? 0;
      if (counted.length <= allowed) continue;
      return `the disruption budget ${objectKey(budget)} allows ${allowed} of the ${counted.length} that would be away at once`;
    }
    return undefined;
  }
}
