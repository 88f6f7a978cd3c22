import type { Revision, StoreEvent } from './store.js';

/** The events of batches one by one, until the signal aborts. */
export async function* oneByOne(
  batches: AsyncIterable<readonly StoreEvent[]>,
  signal: AbortSignal,
): AsyncGenerator<StoreEvent> {
  for await (const batch of batches) {
    for (const event of batch) {
      yield event;
      if (signal.aborted) return;
    }
  }
}

/** A put or a deletion, as opposed to a report of progress. */
export type Change = Exclude<StoreEvent, { type: 'progress' }>;

export function changeRevision(change: Change): Revision {
  return change.type === 'put' ? change.entry.modRevision : change.revision;
}

export function changeKey(change: Change): string {
  return change.type === 'put' ? change.entry.key : change.key;
}
