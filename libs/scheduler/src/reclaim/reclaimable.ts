import type { PodInput } from '../input.js';
import { podRequests, type Amounts } from '../requests.js';

/** The label `gantry.dev/overcommit=reclaimable` of a pod. */
export const overcommitLabel = 'gantry.dev/overcommit';

const prefix = 'gantry.dev/reclaimable-';
/** What reclaimable pods take instead of cpu (in thousandths) and memory (in bytes). */
export const reclaimableCpu = `${prefix}cpu`;
export const reclaimableMemory = `${prefix}memory`;

/** Whoever is not reclaimable is more important than whoever is, whatever its priority. */
export const reclaimablePriority = -(2 ** 31);

export function isReclaimablePod({ metadata }: PodInput): boolean {
  return metadata.labels?.[overcommitLabel] === 'reclaimable';
}

/** Amounts of this come and go with what others use: no reason to keep or to choose a node. */
export function isReclaimableResource(name: string): boolean {
  return name.startsWith(prefix);
}

/** What the pod holds on its node: of a reclaimable one cpu and memory are taken from what others leave. */
export function requestsOf(pod: PodInput): Amounts {
  const requests = podRequests(pod.spec);
  if (!isReclaimablePod(pod)) return requests;
  const names: Record<string, string> = { cpu: reclaimableCpu, memory: reclaimableMemory };
  return new Map([...requests].map(([name, amount]) => [names[name] ?? name, amount]));
}
