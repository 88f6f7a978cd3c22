import { taintText, untoleratedTaint } from '../tolerations.js';
import { nameList, plural, type Filter } from './filter.js';

const name = 'taints';
/** The taint that stands for spec.unschedulable is told by the cordon filter, in plainer words. */
const cordonKey = 'node.kubernetes.io/unschedulable';

/** Taints of the node's condition: a person mends the node rather than tolerates them. */
const troubles: Record<string, string> = {
  'node.kubernetes.io/not-ready': 'not ready',
  'node.kubernetes.io/unreachable': 'unreachable',
};

/** A node keeps off pods that do not tolerate all its NoSchedule and NoExecute taints. */
export const taintsFilter: Filter = {
  name,
  reads: 'node',
  prepare({ nodes }, { podClass: { tolerations } }) {
    const blocking = (slot: number) => {
      const { taints, unschedulable } = nodes.traits[slot]!;
      if (taints.length === 0) return undefined;
      const counted = unschedulable ? taints.filter((t) => t.key !== cordonKey) : taints;
      return untoleratedTaint(counted, tolerations, ['NoSchedule', 'NoExecute']);
    };
    return {
      fits: (slot) => blocking(slot) === undefined,
      refusals(slot) {
        const taint = blocking(slot);
        if (!taint) return [];
        const trouble = troubles[taint.key];
        const text = taintText(taint);
        return [
          trouble
            ? { filter: name, reason: trouble, message: `is ${trouble}` }
            : { filter: name, reason: `taint ${text}`, message: `taint ${text} is not tolerated` },
        ];
      },
    };
  },
  phrase(refused) {
    const count = refused.length;
    const { reason } = refused[0]!.refusal;
    if (!reason.startsWith('taint ')) return `${count} ${plural(count, 'is', 'are')} ${reason}`;
    return `${count} ${plural(count, 'has', 'have')} ${reason} that the pod does not tolerate`;
  },
  suggest(refused) {
    const { reason } = refused[0]!.refusal;
    const names = nameList(refused.map((r) => r.node));
    return reason.startsWith('taint ')
      ? `tolerate ${reason} to allow ${names}`
      : `bring ${names} back`;
  },
};
