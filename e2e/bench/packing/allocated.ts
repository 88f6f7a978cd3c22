import type { Ask, NodeScore, PodHandle, Score, Snapshot } from '@gantry/scheduler';

/** Shares of a node's cpu and memory that would be taken with the pod there, 0 to 1. */
type Rate = (cpu: number, memory: number) => number;

/** The columns of cpu and memory in every resource table. */
const [cpuColumn, memoryColumn] = [0, 1];

function asked({ columns, amounts }: Ask, column: number): number {
  const at = columns.indexOf(column);
  return at < 0 ? 0 : amounts[at]!;
}

/** A score by what is allocated of cpu and memory, as those of other schedulers are. */
function allocatedScore(name: string, rate: Rate): Score {
  return {
    name,
    reads: 'usage',
    bound: Infinity,
    prepare({ nodes: { resources } }: Snapshot, { podClass: { ask } }: PodHandle): NodeScore {
      const [cpu, memory] = [asked(ask, cpuColumn), asked(ask, memoryColumn)];
      const taken = (column: number, slot: number, more: number) => {
        const has = resources.allocatable[column]![slot]!;
        return has === 0 ? 1 : 1 - (resources.free(column, slot) - more) / has;
      };
      return (slot) => rate(taken(cpuColumn, slot, cpu), taken(memoryColumn, slot, memory));
    },
  };
}

/** kube-scheduler's NodeResourcesFit with the LeastAllocated strategy: its default. */
export const leastAllocated = allocatedScore(
  'LeastAllocated',
  (cpu, memory) => (1 - cpu + 1 - memory) / 2,
);

/** kube-scheduler's NodeResourcesFit with the MostAllocated strategy. */
export const mostAllocated = allocatedScore('MostAllocated', (cpu, memory) => (cpu + memory) / 2);

/** Nomad's bin packing, after Google's BestFit v3: 20 - (10^free cpu + 10^free memory). */
export const nomad = allocatedScore(
  'Nomad',
  (cpu, memory) => 20 - (10 ** (1 - cpu) + 10 ** (1 - memory)),
);
