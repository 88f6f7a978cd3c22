import type { RebalancePlanStatus } from '@gantry/api';
import { formatGrid } from './grid.js';

/** Rows of each table; the rest is counted. */
const maxRows = 20;

function grid(header: string[], rows: readonly string[][]): string {
  const shown = formatGrid([header, ...rows.slice(0, maxRows)]);
  const hidden = rows.length - maxRows;
  return hidden > 0 ? `${shown}... and ${hidden} more with -o json\n` : shown;
}

/** What would be moved, what that is good for, and what keeps other nodes in use. */
export function rebalancePlanText(plan: RebalancePlanStatus): string {
  const { moves, kept, gain } = plan;
  const head = moves.length === 0 ? `Nothing would be moved: ${gain}.\n` : movesText(plan);
  const stay = kept.map(({ node, message }) => [node, message]);
  const parts = [head, stay.length > 0 ? grid(['STAYS IN USE', 'BECAUSE'], stay) : ''];
  return parts.filter((part) => part !== '').join('\n');
}

function movesText({ moves, gain, before, after }: RebalancePlanStatus): string {
  const what = moves.length === 1 ? '1 move' : `${moves.length} moves`;
  const rows = moves.map(({ namespace, pod, owner, from, to, reason }) => [
    `${namespace}/${pod}`,
    owner,
    from,
    to,
    reason,
  ]);
  const percent = (share: number) => `${(100 * share).toFixed(1)}%`;
  const figures = [
    ['nodes in use', String(before.nodesInUse), String(after.nodesInUse)],
    ['pods that fit nowhere', String(before.pending), String(after.pending)],
    ['cpu idle on them', percent(before.idleCpu), percent(after.idleCpu)],
    ['memory idle on them', percent(before.idleMemory), percent(after.idleMemory)],
  ];
  return [
    `${what}, one after the other: ${gain}.\n`,
    grid(['POD', 'OWNER', 'FROM', 'TO', 'WHY'], rows),
    grid(['', 'BEFORE', 'AFTER'], figures),
  ].join('\n');
}
