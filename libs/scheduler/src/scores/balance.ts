import { cpuColumn, memoryColumn, type ResourceTable } from '../resource-table.js';
import type { Score } from './score.js';

function share(resources: ResourceTable, column: number, slot: number, asked: number): number {
  const has = resources.allocatable[column]![slot]!;
  return has === 0 ? 0 : Math.min(1, (resources.requested(column, slot) + asked) / has);
}

/** 1 where cpu and memory would be taken in equal shares, so that neither is stranded behind the other. */
export const balanceScore: Score = {
  name: 'balance',
  reads: 'usage',
  prepare({ nodes }, { podClass: { ask } }) {
    const { resources } = nodes;
    const asked = (column: number) => {
      const at = ask.columns.indexOf(column);
      return at < 0 ? 0 : ask.amounts[at]!;
    };
    const [cpu, memory] = [asked(cpuColumn), asked(memoryColumn)];
    return (slot) =>
      1 -
      Math.abs(
        share(resources, cpuColumn, slot, cpu) - share(resources, memoryColumn, slot, memory),
      );
  },
};
