import type { NodeInput } from '../input.js';
import { podRequests } from '../requests.js';
import { amountsOf } from '../requests.js';
import type { Snapshot } from '../snapshot.js';
import {
  simulate,
  type SimulatedPod,
  type SimulationOptions,
  type SimulationResult,
} from './simulate.js';

/** More nodes than this are not counted out. */
export const maxNodes = 50_000;
/** Numbers of nodes that are tried after the first that suffices, to find a smaller one. */
const maxTrials = 12;

export interface SizingOptions extends SimulationOptions {
  /** The cluster without the nodes in question: a fresh one each time it is called. */
  readonly start: () => Snapshot;
  /** The number-th node of the shape. */
  readonly node: (number: number) => NodeInput;
}

export interface Sizing {
  /** The fewest nodes of the shape found with which all pods fit that can fit on it at all. */
  readonly nodes: number;
  /** Fewer cannot do: the pods' requests in sum ask for so many. */
  readonly atLeast: number;
  readonly result: SimulationResult;
  readonly snapshot: Snapshot;
}

/** How many nodes of one shape the pods need. Those that fit on no node of the shape stay refused. */
export function sizeFor(pods: readonly SimulatedPod[], options: SizingOptions): Sizing {
  const attempt = (nodes: number): Omit<Sizing, 'atLeast'> => {
    const snapshot = options.start();
    for (let i = 0; i < nodes; i++) snapshot.setNode(options.node(i));
    return { nodes, snapshot, result: simulate(snapshot, pods, options) };
  };
  const roomy = grown(attempt, Math.max(1, pods.length));
  const hopeless = roomy.result.refused.length;
  const atLeast = Math.min(roomy.nodes, lowerBound(pods, options));
  let [low, best] = [Math.max(0, atLeast), roomy];
  for (let trial = 0; trial < maxTrials && low < best.nodes; trial++) {
    const middle = Math.floor((low + best.nodes) / 2);
    const found = attempt(middle);
    if (found.result.refused.length <= hopeless) best = found;
    else low = middle + 1;
  }
  // Where no number helps, one node of the shape shows why.
  const { result, snapshot } = best.snapshot.nodes.size > 0 ? best : attempt(1);
  return { nodes: best.nodes, atLeast, result, snapshot };
}

/** Doubles the number until more nodes place no more pods. */
function grown(
  attempt: (nodes: number) => Omit<Sizing, 'atLeast'>,
  podCount: number,
): Omit<Sizing, 'atLeast'> {
  const limit = Math.min(podCount, maxNodes);
  const most = attempt(limit);
  for (let nodes = 1; nodes < limit; nodes *= 2) {
    const found = attempt(nodes);
    if (found.result.refused.length <= most.result.refused.length) return found;
  }
  return most;
}

/** What the sums of the requests ask for, were pods a liquid. Zero where the cluster has room of its own. */
function lowerBound(pods: readonly SimulatedPod[], { start, node }: SizingOptions): number {
  if (start().nodes.size > 0) return 0;
  const offers = amountsOf(node(0).status?.allocatable);
  const sums = new Map<string, number>();
  for (const { pod } of pods) {
    const asked = podRequests(pod.spec);
    // What is larger than the node fits on none of them and asks for none.
    if ([...asked].some(([name, amount]) => amount > (offers.get(name) ?? 0))) continue;
    for (const [name, amount] of asked) sums.set(name, (sums.get(name) ?? 0) + amount);
  }
  const shares = [...sums].map(([name, amount]) => amount / (offers.get(name) ?? Infinity));
  return Math.ceil(Math.max(0, ...shares));
}
