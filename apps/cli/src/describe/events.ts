import type { Event } from '@gantry/api';
import { age } from '@gantry/api-machinery';
import { formatGrid } from '../output/grid.js';
import { field, section } from './section.js';

function lastSeen({ series, lastTimestamp, eventTime, firstTimestamp }: Event): string {
  return series?.lastObservedTime ?? lastTimestamp ?? eventTime ?? firstTimestamp ?? '';
}

function ageText(event: Event, nowMs: number): string {
  const count = event.series?.count ?? event.count ?? 1;
  const last = age(lastSeen(event), nowMs);
  const first = age(event.firstTimestamp ?? event.eventTime, nowMs);
  return count > 1 ? `${last} (x${count} over ${first})` : last;
}

/** The events about an object, the oldest first. */
export function eventLines(events: readonly Event[], nowMs: number): string[] {
  if (events.length === 0) return field('Events', undefined);
  const rows = events
    .toSorted((a, b) => Date.parse(lastSeen(a)) - Date.parse(lastSeen(b)))
    .map((event) => [
      event.type ?? '',
      event.reason ?? '',
      ageText(event, nowMs),
      event.source?.component || event.reportingComponent || '',
      (event.message ?? '').trim(),
    ]);
  const grid = formatGrid([['Type', 'Reason', 'Age', 'From', 'Message'], ...rows]);
  return section('Events', grid.trimEnd().split('\n'));
}
