import {
  claimProtection,
  PersistentVolumeClaimKind,
  PersistentVolumeKind,
  PodKind,
  volumeProtection,
  type PersistentVolume,
  type PersistentVolumeClaim,
  type Pod,
} from '@gantry/api';
import type { ApiObject, Kind } from '@gantry/api-machinery';
import { isReason } from '@gantry/base';
import { Controller, objectKey, source, type ObjectStore } from '@gantry/controller';
import type { ControllerContext } from '../context.js';

const byClaim = 'claim';

/** Keys of the claims that a pod on a node holds until it has ended. */
function claimsHeld({ metadata, spec, status }: Pod): string[] {
  const hasEnded = status?.phase === 'Succeeded' || status?.phase === 'Failed';
  if (!spec.nodeName || hasEnded) return [];
  return (spec.volumes ?? []).flatMap(({ persistentVolumeClaim }) =>
    persistentVolumeClaim ? [`${metadata.namespace}/${persistentVolumeClaim.claimName}`] : [],
  );
}

/** Lets claims that are being deleted go once no pod uses them. */
export function claimProtectionController(
  context: ControllerContext,
  objects: ObjectStore,
): Controller {
  const { informers, logger, clock } = context;
  const claims = informers.for(PersistentVolumeClaimKind);
  const pods = informers.for(PodKind);
  pods.addIndex(byClaim, claimsHeld);
  const isGoing = (claim: PersistentVolumeClaim) => claim.metadata.deletionTimestamp !== undefined;
  return new Controller({
    name: 'claim-protection',
    concurrency: 1,
    sources: [
      source(claims, (claim) => (isGoing(claim) ? [objectKey(claim)] : [])),
      // A pod that has ended holds none any more: its claims are found in what it was before.
      source(pods, (pod) => claimsHeld(pod)),
    ],
    async reconcile(key) {
      const claim = claims.getByKey(key);
      if (!claim || !isGoing(claim) || pods.byIndex(byClaim, key).length > 0) return;
      // The cache may not have seen a pod yet that was bound a moment ago.
      const { namespace } = claim.metadata;
      const { items } = await objects.list(PodKind, { namespace: namespace! });
      if (items.some((pod) => claimsHeld(pod).includes(key))) return;
      await release(context, PersistentVolumeClaimKind, claim, claimProtection);
    },
    logger,
    clock,
    ...(context.metrics ? { metrics: context.metrics } : {}),
  });
}

/** Lets volumes that are being deleted go once no claim has them. */
export function volumeProtectionController(context: ControllerContext): Controller {
  const { informers, logger, clock } = context;
  const volumes = informers.for(PersistentVolumeKind);
  return new Controller({
    name: 'volume-protection',
    concurrency: 1,
    sources: [source(volumes, (volume) => [volume.metadata.name!])],
    async reconcile(name) {
      const volume: PersistentVolume | undefined = volumes.get(undefined, name);
      if (!volume?.metadata.deletionTimestamp || volume.status?.phase === 'Bound') return;
      await release(context, PersistentVolumeKind, volume, volumeProtection);
    },
    logger,
    clock,
    ...(context.metrics ? { metrics: context.metrics } : {}),
  });
}

async function release<T extends ApiObject>(
  { resources }: ControllerContext,
  kind: Kind<T>,
  { metadata: { namespace, name, uid } }: T,
  finalizer: string,
): Promise<void> {
  try {
    await resources.mutate(kind, namespace, name!, (current) => {
      if (current.metadata.uid !== uid) return undefined;
      const finalizers = (current.metadata.finalizers ?? []).filter((one) => one !== finalizer);
      return { ...current, metadata: { ...current.metadata, finalizers } };
    });
  } catch (error) {
    if (!isReason(error, 'NotFound')) throw error;
  }
}
