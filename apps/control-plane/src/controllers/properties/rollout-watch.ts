import { matches, type ApiObject, type Deployment, type Pod } from '@gantry/api';
import type { Store } from '@gantry/store';
import { rolloutBounds } from '../deployment/bounds.js';
import { isActive, readySince } from '../replica-set/pod-order.js';

const isReady = (pod: Pod) => isActive(pod) && readySince(pod) !== undefined;

/** A pod that became ready just now may be taken for one that is not: the news travels through two caches. */
const visibleMs = 150;

/**
 * Follows one Deployment and its pods in the order in which the store changed, and notes every moment at
 * which a controller went beyond the bounds of the rollout.
 */
export class RolloutWatch {
  readonly violations: string[] = [];
  private readonly pods = new Map<string, Pod>();
  private deployment: Deployment | undefined;
  /** When this watch saw a pod become ready. */
  private readonly readyMs = new Map<string, number>();
  private readonly decoder = new TextDecoder();

  constructor(
    private readonly store: Store,
    private readonly name: string,
  ) {}

  async run(signal: AbortSignal): Promise<void> {
    for await (const event of this.store.watch('registry/', { after: 0n, signal })) {
      if (event.type === 'put') this.put(event.entry.key, this.decode(event.entry.value));
      else if (event.type === 'delete') this.pods.delete(event.key);
    }
  }

  private decode(value: Uint8Array): ApiObject {
    return JSON.parse(this.decoder.decode(value)) as ApiObject;
  }

  private put(key: string, object: ApiObject): void {
    if (key === `registry/apps/deployments/default/${this.name}`) {
      this.deployment = object as Deployment;
    } else if (key.startsWith('registry/core/pods/default/') && this.deployment) {
      const pod = object as Pod;
      if (!matches(this.deployment.spec.selector, pod.metadata.labels)) return;
      const before = this.pods.get(key);
      this.pods.set(key, pod);
      this.check(pod, before, this.deployment);
    }
  }

  private check(pod: Pod, before: Pod | undefined, deployment: Deployment): void {
    const { desired, maxSurge, maxUnavailable } = rolloutBounds(deployment);
    const sinceMs = this.readyMs.get(pod.metadata.uid!);
    const wasReady = sinceMs !== undefined && Date.now() - sinceMs > visibleMs;
    const all = [...this.pods.values()];
    const active = all.filter(isActive).length;
    if (!before && active > desired + maxSurge) {
      this.violations.push(`${active} pods, at most ${desired} + ${maxSurge} allowed`);
    }
    const uid = pod.metadata.uid!;
    if (!isReady(pod)) this.readyMs.delete(uid);
    else if (!this.readyMs.has(uid)) this.readyMs.set(uid, Date.now());
    const isTaken = wasReady && pod.metadata.deletionTimestamp;
    const ready = all.filter(isReady).length;
    if (isTaken && ready < desired - maxUnavailable) {
      this.violations.push(`${ready} ready, at least ${desired} - ${maxUnavailable} promised`);
    }
  }
}
