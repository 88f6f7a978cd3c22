import { nameList } from '../filters/filter.js';
import type { RefusedNode } from '../explain/refusal-groups.js';
import type { PlacedPod } from '../snapshot.js';
import type { Change } from './change.js';
import { pruned, type Rehearsal } from './rehearsal.js';

/** Nodes that are looked at, those that lack least first; pods of one node that are. */
const maxNodes = 16;
const maxPodsOnNode = 500;

interface Drain {
  readonly node: string;
  readonly pods: readonly PlacedPod[];
}

/** The fewest and least important pods of one node without which the pod would fit there. */
export function drain(rehearsal: Rehearsal): Change[] {
  let best: Drain | undefined;
  for (const { node } of candidates(rehearsal)) {
    const pods = drainOf(rehearsal, node);
    if (pods && (!best || compare(pods, best.pods) < 0)) best = { node, pods };
  }
  if (!best) return [];
  const { node, pods } = best;
  const uids = pods.map(({ uid }) => uid);
  return [{ type: 'drain', text: drainText(uids, node), node, pods: uids }];
}

/** The sentence for pods as they are called. */
export function drainText(names: readonly string[], node: string): string {
  return `move ${nameList(names)} away from ${node}`;
}

function compare(a: readonly PlacedPod[], b: readonly PlacedPod[]): number {
  const highest = (pods: readonly PlacedPod[]) => Math.max(...pods.map(priorityOf));
  return a.length - b.length || highest(a) - highest(b);
}

const priorityOf = ({ podClass }: PlacedPod) => podClass.priority;
const aboutPods = ['resources', 'hostPorts', 'podAffinity', 'topologySpread'];

/** Nodes that only other pods keep from taking it, those with the smallest shortages first. */
function candidates(rehearsal: Rehearsal): RefusedNode[] {
  const shortageOf = ({ refusals }: RefusedNode) =>
    refusals.reduce((sum, { shortage }) => {
      return sum + (shortage ? (shortage.asked - shortage.free) / shortage.allocatable : 0);
    }, 0);
  return rehearsal
    .refusedOnlyBy(aboutPods)
    .filter(({ refusals }) =>
      refusals.every(({ shortage }) => !shortage || shortage.asked <= shortage.allocatable),
    )
    .map((refused) => ({ refused, shortage: shortageOf(refused) }))
    .sort((a, b) => a.shortage - b.shortage)
    .slice(0, maxNodes)
    .map(({ refused }) => refused);
}

function drainOf(rehearsal: Rehearsal, node: string): readonly PlacedPod[] | undefined {
  const slot = rehearsal.slotOf(node);
  const pods = rehearsal.snapshot
    .podsOn(slot)
    .filter(({ assumed }) => !assumed)
    .sort((a, b) => priorityOf(a) - priorityOf(b) || sizeOf(a) - sizeOf(b))
    .slice(0, maxPodsOnNode);
  const fitsWithout = (gone: readonly PlacedPod[]) =>
    rehearsal.snapshot.trial(({ lift }) => {
      for (const { uid } of gone) lift(uid);
      return rehearsal.fitsOn(slot);
    });
  const single = pods.find((pod) => fitsWithout([pod]));
  if (single) return [single];
  if (!fitsWithout(pods)) return undefined;
  // The most important and the largest are spared first.
  return pruned(pods.toReversed(), fitsWithout);
}

function sizeOf({ podClass: { ask } }: PlacedPod): number {
  return ask.amounts[0] ?? 0;
}
