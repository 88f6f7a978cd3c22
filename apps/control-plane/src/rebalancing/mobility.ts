import { isReady, podGroupOf, type Pod } from '@gantry/api';
import type { PodSort } from '@gantry/scheduler';
import { controllerOf } from '../controllers/ownership.js';

/** Of a pod: `never` leaves it where it is, `allowed` moves it though it keeps data in an emptyDir. */
export const rebalanceAnnotation = 'gantry.dev/rebalance';

/** Owners whose controllers here replace a pod at once. */
const replacing = new Set(['ReplicaSet']);
/** From this priority on a pod belongs to the system (`system-cluster-critical`). */
const systemPriority = 2_000_000_000;

/** Whether a pod may be moved, and for people why not. */
export interface Mobility {
  readonly sort: PodSort;
  readonly why: string;
}

const fixed = (why: string): Mobility => ({ sort: 'fixed', why });

/** Only pods that lose nothing by it are moved: see docs/rebalancing.md. */
export function mobilityOf(pod: Pod): Mobility {
  const owner = controllerOf(pod);
  if (owner?.kind === 'DaemonSet') return { sort: 'with-node', why: 'belongs to every node' };
  if (pod.metadata.deletionTimestamp) return fixed('is ending');
  if (!owner) return fixed('has no controller that replaces it');
  if (!replacing.has(owner.kind)) return fixed(`belongs to a ${owner.kind}`);
  const wish = pod.metadata.annotations?.[rebalanceAnnotation];
  if (wish === 'never') return fixed(`has the annotation ${rebalanceAnnotation}: never`);
  if (podGroupOf(pod)) return fixed('is one of a gang');
  if ((pod.spec.priority ?? 0) >= systemPriority) return fixed('belongs to the system');
  const data = dataOf(pod, wish === 'allowed');
  if (data) return fixed(data);
  return isReady(pod) ? { sort: 'movable', why: '' } : fixed('is not ready');
}

/** What of the pod would stay behind. */
function dataOf({ spec }: Pod, scratchMayGo: boolean): string | undefined {
  for (const { name, persistentVolumeClaim, hostPath, emptyDir } of spec.volumes ?? []) {
    if (persistentVolumeClaim) return `uses the claim ${persistentVolumeClaim.claimName}`;
    if (hostPath) return `uses ${hostPath.path} of its node`;
    const isScratch = emptyDir !== undefined && emptyDir.medium !== 'Memory';
    if (isScratch && !scratchMayGo) return `keeps data in the emptyDir ${name}`;
  }
  return undefined;
}
