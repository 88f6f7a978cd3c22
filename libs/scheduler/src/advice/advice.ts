import { addNode } from './add-node.js';
import type { Change } from './change.js';
import { drain } from './drain.js';
import { lowerRequests } from './lower-requests.js';
import { labelNode, restoreNode, uncordon } from './mend-node.js';
import { relax, tolerate } from './mend-pod.js';
import type { Rehearsal } from './rehearsal.js';

/** Changes that are found from what was refused, and then those that need a longer search. */
const near = [lowerRequests, uncordon, restoreNode, labelNode, tolerate];
const far = [relax, drain, addNode];

/** Alternatives in one sentence; more would not be read. */
const maxAlternatives = 2;

/** Every kind of change after which the pod fits, verified by the scheduler's own filters. */
export function allChanges(rehearsal: Rehearsal): Change[] {
  return [...near, ...far].flatMap((search) => search(rehearsal));
}

/** The first few changes, the cheapest to find first: as many as a sentence takes. */
export function firstChanges(rehearsal: Rehearsal): Change[] {
  const found: Change[] = [];
  for (const search of [...near, ...far]) {
    const isFar = !near.includes(search);
    if (found.length >= maxAlternatives || (isFar && found.length > 0)) break;
    found.push(...search(rehearsal));
  }
  return found.slice(0, maxAlternatives);
}

const farTypes = new Set(['relax', 'drain', 'add-node']);

/** What a sentence says of changes: those that are near at hand, if there are any. */
export function adviceText(changes: readonly Change[]): string | undefined {
  const close = changes.filter(({ type }) => !farTypes.has(type));
  const told = (close.length > 0 ? close : changes).slice(0, maxAlternatives);
  return told.length > 0 ? told.map(({ text }) => text).join(' or ') : undefined;
}
