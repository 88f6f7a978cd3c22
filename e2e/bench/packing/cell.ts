import { Random } from '../scheduler/random.ts';
import { Cluster } from './cluster.ts';
import type { Policy } from './policies.ts';
import type { Trace, TraceNode, TracePod } from './trace.ts';

/** Pods that may stay without a place, as in Borg's cell compaction (EuroSys'15). */
const pendingAllowed = 0.002;

/** Pods that may be moved afterwards to make room for those that are pending, where that is measured. */
const movesAllowed = 0.05;

/** Memory is this much dearer in the balanced cell, so that cpu and memory are equally scarce. */
const balancedMemory = 1.3725;

/** The cell of the trace without its GPUs. */
export function cellOf({ nodes, pods }: Trace, sort: 'raw' | 'balanced'): Trace {
  const factor = sort === 'balanced' ? balancedMemory : 1;
  return {
    nodes: nodes.map((node) => ({ ...node, gpus: 0 })),
    pods: pods.map((pod) => ({
      ...pod,
      gpus: 0,
      gpuMillis: 0,
      memoryMebibytes: Math.round(pod.memoryMebibytes * factor),
    })),
  };
}

function shuffled(nodes: readonly TraceNode[], random: Random): TraceNode[] {
  const order = [...nodes];
  for (let i = order.length - 1; i > 0; i--) {
    const j = random.below(i + 1);
    [order[i], order[j]] = [order[j]!, order[i]!];
  }
  return order;
}

/** The fewest of the first nodes that together have the cpu and the memory that is asked for. */
function bound(nodes: readonly TraceNode[], pods: readonly TracePod[]): number {
  const sum = (each: readonly TracePod[], of: (pod: TracePod) => number) =>
    each.reduce((total, pod) => total + of(pod), 0);
  let cpu = sum(pods, (pod) => pod.cpuMillis);
  let memory = sum(pods, (pod) => pod.memoryMebibytes);
  let count = 0;
  while ((cpu > 0 || memory > 0) && count < nodes.length) {
    cpu -= nodes[count]!.cpuMillis;
    memory -= nodes[count]!.memoryMebibytes;
    count++;
  }
  return count;
}

function suffices(
  nodes: readonly TraceNode[],
  pods: readonly TracePod[],
  policy: () => Policy,
  movesAllowed: number,
): boolean {
  const cluster = new Cluster(nodes, policy());
  const allowed = Math.floor(pods.length * pendingAllowed);
  const moves = Math.floor(pods.length * movesAllowed);
  const pending: TracePod[] = [];
  for (const pod of pods) {
    if (!cluster.place(pod) && pending.push(pod) > allowed + moves) return false;
  }
  if (pending.length <= allowed || moves === 0) return pending.length <= allowed;
  // Room for small pods is made most easily.
  const size = ({ cpuMillis, memoryMebibytes }: TracePod) => cpuMillis + memoryMebibytes / 4;
  const waiting = pending.toSorted((a, b) => size(a) - size(b));
  return pending.length - cluster.roomFor(waiting, moves) <= allowed;
}

/**
 * How many more machines than the bound the policy needs, in %: of the cell's nodes in random order ever fewer
 * are kept, and all pods come in their order. With `rebalanced`, 5% of the pods may be moved when all have come.
 * Undefined when the whole cell is not enough.
 */
export function machinesOverBound(
  { nodes, pods }: Trace,
  policy: () => Policy,
  seed: number,
  { rebalanced = false } = {},
): number | undefined {
  const order = shuffled(nodes, new Random(seed));
  const least = bound(order, pods);
  const moves = rebalanced ? movesAllowed : 0;
  const isEnough = (count: number) => suffices(order.slice(0, count), pods, policy, moves);
  let [low, high] = [least - 1, nodes.length];
  // Near the bound first: all but the worst policies end there, and small cells are quick.
  for (const percent of [2, 6, 14, 30]) {
    const count = Math.min(nodes.length, Math.ceil(least * (1 + percent / 100)));
    if (isEnough(count)) {
      high = count;
      break;
    }
    low = count;
  }
  if (high === nodes.length && !isEnough(high)) return undefined;
  while (high - low > 1) {
    const middle = (low + high) >> 1;
    if (isEnough(middle)) high = middle;
    else low = middle;
  }
  return 100 * (high / least - 1);
}
