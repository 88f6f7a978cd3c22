import { type Pod, PodKind, type RuntimeClass, RuntimeClassKind } from '@gantry/api';
import { jsonEqual } from '@gantry/api-machinery';
import { GantryError } from '@gantry/base';
import type { ObjectStore } from '@gantry/controller';
import type { WatchCaches } from '../watch/watch-caches.js';
import { detailsOf } from './details.js';

/**
 * Completes a new pod, in place, by its runtime class as Kubernetes does: its overhead and where it may
 * be scheduled. Forbidden when there is no such class or the pod contradicts it.
 */
export async function admitRuntimeClass(
  objects: ObjectStore,
  caches: WatchCaches,
  pod: Pod,
): Promise<void> {
  const { runtimeClassName: name, overhead } = pod.spec ?? {};
  if (!name) {
    if (!overhead || Object.keys(overhead).length === 0) return;
    throw refuse(pod, "spec.overhead is set without a runtime class; remove it, it is the class's");
  }
  const cached = (await caches.ready(RuntimeClassKind)).get(undefined, name);
  // The cache may not have seen a class that was made just before the pod.
  const found = cached ?? (await objects.get(RuntimeClassKind, undefined, name));
  if (!found) {
    const next = 'create it, or choose one that `kubectl get runtimeclasses` shows';
    throw refuse(pod, `pod rejected: RuntimeClass "${name}" not found; ${next}`);
  }
  admitOverhead(pod, found);
  admitScheduling(pod, found);
}

function admitOverhead(pod: Pod, { overhead, metadata }: RuntimeClass): void {
  const fixed = overhead?.podFixed;
  const own = pod.spec.overhead;
  if (own && !jsonEqual(own, fixed ?? {})) {
    const why = `pod rejected: spec.overhead is not that of RuntimeClass "${metadata.name}"; remove it`;
    throw refuse(pod, why);
  }
  if (fixed) pod.spec.overhead = { ...fixed };
}

function admitScheduling(pod: Pod, { scheduling, metadata }: RuntimeClass): void {
  const { spec } = pod;
  for (const [key, value] of Object.entries(scheduling?.nodeSelector ?? {})) {
    const own = spec.nodeSelector?.[key];
    if (own !== undefined && own !== value) {
      const what = `spec.nodeSelector ${key}=${own} conflicts with RuntimeClass "${metadata.name}"`;
      throw refuse(pod, `pod rejected: ${what}, which wants ${key}=${value}`);
    }
    spec.nodeSelector = { ...spec.nodeSelector, [key]: value };
  }
  const present = spec.tolerations ?? [];
  const further = (scheduling?.tolerations ?? []).filter(
    (toleration) => !present.some((one) => jsonEqual(one, toleration)),
  );
  if (further.length > 0) spec.tolerations = [...present, ...further];
}

function refuse({ metadata }: Pod, why: string): GantryError {
  const name = metadata?.name ?? metadata?.generateName ?? '';
  return new GantryError(
    'Forbidden',
    `pods "${name}" is forbidden: ${why}`,
    detailsOf(PodKind, name),
  );
}
