import type { NodeRefusal } from '../filters/filter.js';
import type { Profile } from '../profile.js';
import { groupRefusals, type RefusedNode } from './refusal-groups.js';

/** Hints in one sentence; more would not be read. */
const maxHints = 2;

/**
 * What the filters themselves advise, for where no change was found that could be verified: only nodes with
 * a single obstacle count.
 */
export function hint(profile: Profile, refused: readonly RefusedNode[]): string | undefined {
  const single: NodeRefusal[] = refused.flatMap(({ node, refusals }) =>
    refusals.length === 1 ? [{ node, refusal: refusals[0]! }] : [],
  );
  const hints = groupRefusals(profile, single)
    .flatMap(({ filter, refused: group }) => filter.suggest?.(group) ?? [])
    .slice(0, maxHints);
  return hints.length > 0 ? hints.join(' or ') : undefined;
}
