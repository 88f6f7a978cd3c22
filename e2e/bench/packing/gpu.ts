import { Random } from '../scheduler/random.ts';
import { Cluster } from './cluster.ts';
import type { Policy } from './policies.ts';
import type { Trace } from './trace.ts';

/** What is offered, of what the cluster has. */
const offered = 1.3;

/**
 * GPU allocated in % of all when pods drawn from the trace have offered 130% of it: the measure of the FGD
 * paper. A pod for which there is no place goes away.
 */
export function gpuAllocated({ nodes, pods }: Trace, policy: Policy, seed: number): number {
  const random = new Random(seed);
  const cluster = new Cluster(nodes, policy);
  const total = nodes.reduce((sum, { gpus }) => sum + gpus, 0) * 1_000;
  let [arrived, allocated] = [0, 0];
  while (arrived < offered * total) {
    const pod = pods[random.below(pods.length)]!;
    const millis = pod.gpus * pod.gpuMillis;
    arrived += millis;
    if (cluster.place(pod)) allocated += millis;
  }
  return (100 * allocated) / total;
}
