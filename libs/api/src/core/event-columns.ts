import { age, type Column } from '@gantry/api-machinery';
import { column, integerColumn, nameColumn, wideColumn } from './columns.js';
import type { Event } from './event.js';

function firstSeen(event: Event, nowMs: number): string {
  return age(event.firstTimestamp ?? event.eventTime, nowMs);
}

function lastSeen(event: Event, nowMs: number): string {
  const last = event.series?.lastObservedTime ?? event.lastTimestamp;
  return last ? age(last, nowMs) : firstSeen(event, nowMs);
}

function sourceText({ source, reportingComponent, reportingInstance }: Event): string {
  const parts = [source?.component || reportingComponent, source?.host || reportingInstance];
  return parts.filter(Boolean).join(', ');
}

export const eventColumns: Column<Event>[] = [
  column('Last Seen', 'Time since it was seen last.', lastSeen),
  column('Type', 'Normal or Warning.', ({ type }) => type ?? ''),
  column('Reason', 'One word that says why.', ({ reason }) => reason ?? ''),
  column('Object', 'The object that it is about.', ({ involvedObject }) => {
    return `${(involvedObject.kind ?? '').toLowerCase()}/${involvedObject.name ?? ''}`;
  }),
  wideColumn('Subobject', 'Part of the object.', ({ involvedObject }) => {
    return involvedObject.fieldPath ?? '';
  }),
  wideColumn('Source', 'Who reports it.', sourceText),
  column('Message', 'A sentence for people.', ({ message }) => (message ?? '').trim()),
  wideColumn('First Seen', 'Time since it was seen first.', firstSeen),
  {
    ...integerColumn('Count', 'How often.', (e: Event) => e.series?.count ?? e.count ?? 1),
    priority: 1,
  },
  { ...nameColumn, priority: 1 },
];
