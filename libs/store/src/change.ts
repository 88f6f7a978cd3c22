import type { Revision, StoreEvent } from './store.js';

/** A put or a deletion, as opposed to a report of progress. */
export type Change = Exclude<StoreEvent, { type: 'progress' }>;

export function changeRevision(change: Change): Revision {
  return change.type === 'put' ? change.entry.modRevision : change.revision;
}

export function changeKey(change: Change): string {
  return change.type === 'put' ? change.entry.key : change.key;
}
