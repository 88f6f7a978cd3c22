import { amountText, resourceLabel } from '../amount-text.js';
import type { NodeRefusal } from '../filters/filter.js';
import type { Profile } from '../profile.js';
import { podsColumn } from '../resource-table.js';
import type { PodHandle } from '../pod-class.js';
import type { Snapshot } from '../snapshot.js';
import { groupRefusals, type RefusedNode } from './refusal-groups.js';

/** Alternatives in one sentence; more would not be read. */
const maxAlternatives = 2;

/** Changes that each suffice: only nodes with a single obstacle count, so that lifting it makes the pod fit. */
export function suggestion(
  snapshot: Snapshot,
  pod: PodHandle,
  profile: Profile,
  refused: readonly RefusedNode[],
): string | undefined {
  const single: NodeRefusal[] = refused.flatMap(({ node, refusals }) =>
    refusals.length === 1 ? [{ node, refusal: refusals[0]! }] : [],
  );
  const changes = groupRefusals(profile, single)
    .flatMap(({ filter, refused: group }) => filter.suggest?.(group) ?? [])
    .slice(0, maxAlternatives);
  if (changes.length === 0) changes.push(lowerAll(refused) ?? addNode(snapshot, pod));
  return changes.join(' or ');
}

/** For nodes that lack several resources and nothing else: the one that asks for the least cut. */
function lowerAll(refused: readonly RefusedNode[]): string | undefined {
  let best: { cut: number; text: string } | undefined;
  for (const { node, refusals } of refused) {
    const shortages = refusals.map((refusal) => refusal.shortage);
    if (shortages.some((s) => !s || s.free <= 0 || s.resource === 'pods')) continue;
    const cut = Math.max(...shortages.map((s) => 1 - s!.free / s!.asked));
    if (best && best.cut <= cut) continue;
    const parts = shortages.map(
      (s) => `${resourceLabel(s!.resource)} to ${amountText(s!.resource, s!.free)}`,
    );
    best = { cut, text: `lower the requests (${parts.join(', ')}) to fit ${node}` };
  }
  return best?.text;
}

function addNode({ nodes: { resources } }: Snapshot, { podClass: { ask } }: PodHandle): string {
  const needs = [...ask.columns].flatMap((column, i) => {
    const name = resources.names[column]!;
    return column === podsColumn ? [] : [`${amountText(name, ask.amounts[i]!)} ${name}`];
  });
  const room = needs.length > 0 ? ` with ${needs.join(' and ')} free` : '';
  return `add a node${room} or delete pods that are not needed`;
}
