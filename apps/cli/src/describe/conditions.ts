import { formatGrid } from '../output/grid.js';
import { section } from './section.js';

interface Condition {
  readonly type: string;
  readonly status: string;
  readonly reason?: string;
  readonly message?: string;
}

/** Conditions as a grid; without reasons and messages the columns are left out. */
export function conditionLines(conditions: readonly Condition[] | undefined): string[] {
  if (!conditions?.length) return [];
  const rows = conditions.map(({ type, status, reason = '', message = '' }) => [
    type,
    status,
    reason,
    message,
  ]);
  const columns = rows.some(([, , reason, message]) => reason || message) ? 4 : 2;
  const grid = [['Type', 'Status', 'Reason', 'Message'], ...rows].map((row) =>
    row.slice(0, columns),
  );
  return section('Conditions', formatGrid(grid).trimEnd().split('\n'));
}
