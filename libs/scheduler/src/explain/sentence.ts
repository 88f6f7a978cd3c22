import type { Profile } from '../profile.js';
import type { NodeExplanation } from './node-explanation.js';
import type { RefusalGroup } from './refusal-groups.js';

/** At most this many reasons are written out; the rest are counted. */
const maxReasons = 5;

function noun(count: number): string {
  return count === 1 ? 'node' : 'nodes';
}

/** `0 of 3 nodes fit: 2 have too little memory (…), 1 is cordoned; uncordon node-c`. */
export function refusalSentence(
  nodeCount: number,
  groups: readonly RefusalGroup[],
  advice: string | undefined,
): string {
  if (nodeCount === 0) return 'no node has joined the cluster yet; join one';
  const told = groups.slice(0, maxReasons).map(({ filter, refused }) => filter.phrase(refused));
  const rest = groups.slice(maxReasons).reduce((sum, { refused }) => sum + refused.length, 0);
  if (rest > 0) told.push(`${rest} for other reasons`);
  const head = `0 of ${nodeCount} ${noun(nodeCount)} ${nodeCount === 1 ? 'fits' : 'fit'}`;
  return `${head}: ${told.join(', ')}${advice ? `; ${advice}` : ''}`;
}

function candidates(nodes: readonly NodeExplanation[]): NodeExplanation[] {
  return nodes.filter((n) => n.fits).sort((a, b) => b.score! - a.score!);
}

/** For a pod that is pending although it fits. */
export function fitSentence(profile: Profile, nodes: readonly NodeExplanation[]): string {
  const fitting = candidates(nodes);
  const best = fitting[0]!.name;
  return `${fitting.length} of ${nodes.length} ${noun(nodes.length)} fit, ${best} best by profile ${profile.name}; the pod is about to be bound`;
}

/** For a pod that has its node: how that node stands among those that would take the pod now. */
export function boundSentence(
  profile: Profile,
  nodes: readonly NodeExplanation[],
  node: string,
): string {
  const fitting = candidates(nodes);
  const rank = fitting.findIndex((n) => n.name === node) + 1;
  const among = `${fitting.length} of ${nodes.length} ${noun(nodes.length)}`;
  if (rank === 0) return `bound to ${node}, which would not be chosen today; ${among} would fit`;
  if (rank === 1)
    return `bound to ${node}: the best of ${among} that fit, by profile ${profile.name}`;
  return `bound to ${node}: number ${rank} today of ${among} that fit, by profile ${profile.name}; ${fitting[0]!.name} would now be first`;
}
