import {
  PersistentVolumeClaimKind,
  PersistentVolumeKind,
  type PersistentVolume,
} from '@gantry/api';
import { isReason } from '@gantry/base';
import { Controller, source } from '@gantry/controller';
import type { ControllerContext } from '../context.js';

/** Marks volumes as Released whose claim is gone: what is on them is kept, and nobody gets them unasked. */
export function volumeReleaseController(context: ControllerContext): Controller {
  const { informers, resources, logger, clock } = context;
  const volumes = informers.for(PersistentVolumeKind);
  const claims = informers.for(PersistentVolumeClaimKind);
  return new Controller({
    name: 'volume-release',
    concurrency: 1,
    sources: [
      source(volumes, (volume) => [volume.metadata.name!]),
      source(claims, ({ spec }) => (spec.volumeName ? [spec.volumeName] : [])),
    ],
    async reconcile(name) {
      const { claimRef, isBound } = boundClaim(volumes.get(undefined, name));
      if (!isBound || !claimRef?.name) return;
      const known = claims.get(claimRef.namespace, claimRef.name);
      if (known?.metadata.uid === claimRef.uid) return;
      // The cache may not have seen the claim yet that the volume was given to.
      const claim = await resources.find(
        PersistentVolumeClaimKind,
        claimRef.namespace,
        claimRef.name,
      );
      if (claim?.metadata.uid === claimRef.uid) return;
      await resources
        .mutateStatus(PersistentVolumeKind, undefined, name, (current) =>
          current.spec.claimRef?.uid === claimRef.uid
            ? { ...current, status: { ...current.status, phase: 'Released' as const } }
            : undefined,
        )
        .catch((error: unknown) => {
          if (!isReason(error, 'NotFound')) throw error;
        });
    },
    logger,
    clock,
    ...(context.metrics ? { metrics: context.metrics } : {}),
  });
}

function boundClaim(volume: PersistentVolume | undefined) {
  const claimRef = volume?.spec.claimRef;
  return { claimRef, isBound: claimRef?.uid !== undefined && volume?.status?.phase === 'Bound' };
}
