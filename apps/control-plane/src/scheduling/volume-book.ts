import {
  compareQuantities,
  matches,
  PersistentVolumeClaimKind,
  PersistentVolumeKind,
  type PersistentVolume,
  type PersistentVolumeClaim,
  type Pod,
} from '@gantry/api';
import type { Informer, Informers, ObjectOperation } from '@gantry/controller';
import { matchesTerms, type PodInput, type VolumeAffinityInput } from '@gantry/scheduler';

/** A claim that gets its volume together with the pod's node. */
interface Match {
  readonly claim: PersistentVolumeClaim;
  readonly volume: PersistentVolume;
}

/** What has to be written so that a pod's claims have their volumes. */
export interface VolumeBindings {
  readonly operations: readonly ObjectOperation[];
  /** Names of the volumes that are taken. */
  readonly volumes: readonly string[];
}

const none: VolumeBindings = { operations: [], volumes: [] };

function claimNames({ spec }: Pod): string[] {
  return (spec.volumes ?? []).flatMap((v) => v.persistentVolumeClaim?.claimName ?? []);
}

const termsOf = ({ spec }: PersistentVolume) => spec.nodeAffinity?.required?.nodeSelectorTerms;

function isFor({ spec: { claimRef } }: PersistentVolume, { metadata }: PersistentVolumeClaim) {
  const { uid, name, namespace } = claimRef ?? {};
  return (
    name === metadata.name && namespace === metadata.namespace && (!uid || uid === metadata.uid)
  );
}

/** Whether the volume is what the claim asks for, whoever has it. */
function suits(volume: PersistentVolume, { spec }: PersistentVolumeClaim): boolean {
  const { capacity, accessModes = [], storageClassName = '' } = volume.spec;
  const asked = spec.resources?.requests?.['storage'] ?? '0';
  return (
    storageClassName === (spec.storageClassName ?? '') &&
    compareQuantities(capacity?.['storage'] ?? '0', asked) >= 0 &&
    (spec.accessModes ?? []).every((mode) => accessModes.includes(mode)) &&
    (!spec.selector || matches(spec.selector, volume.metadata.labels))
  );
}

/** Claims and volumes as decisions need them: from which nodes a pod's claims can be met, and by which volume. */
export class VolumeBook {
  readonly claims: Informer<PersistentVolumeClaim>;
  readonly volumes: Informer<PersistentVolume>;
  /** Given to claims by transactions that are under way. */
  private readonly given = new Set<string>();

  constructor(informers: Informers) {
    this.claims = informers.for(PersistentVolumeClaimKind);
    this.volumes = informers.for(PersistentVolumeKind);
  }

  /** The pod with what its claims ask of nodes; the same object for the many that have none. */
  effective(pod: Pod): PodInput {
    const names = claimNames(pod);
    if (names.length === 0) return pod;
    const volumeAffinity = names.flatMap((name) => this.affinity(pod, name) ?? []);
    return { ...pod, spec: { ...pod.spec, volumeAffinity } };
  }

  /** Binds the pod's claims on this node; undefined when one of them has no volume left there. */
  bind(pod: Pod, node: { name: string; labels: Readonly<Record<string, string>> }) {
    const names = claimNames(pod);
    if (names.length === 0) return none;
    const matched: Match[] = [];
    for (const name of names) {
      const claim = this.claims.get(pod.metadata.namespace, name);
      if (!claim) return undefined;
      if (claim.spec.volumeName && claim.status?.phase === 'Bound') continue;
      const volume = this.candidates(claim).find(
        (each) => !matched.some((m) => m.volume === each) && matchesTerms(termsOf(each), node),
      );
      if (!volume) return undefined;
      matched.push({ claim, volume });
    }
    const volumes = matched.map(({ volume }) => volume.metadata.name!);
    for (const name of volumes) this.given.add(name);
    return { operations: matched.flatMap(operationsOf), volumes };
  }

  /** The transaction is over, well or not: what it took is to be seen in the volumes themselves. */
  settled({ volumes }: VolumeBindings): void {
    for (const name of volumes) this.given.delete(name);
  }

  private affinity(pod: Pod, name: string): VolumeAffinityInput | undefined {
    const claim = this.claims.get(pod.metadata.namespace, name);
    const named = `claim ${pod.metadata.namespace}/${name}`;
    if (!claim) return { terms: [], reason: `${named} does not exist` };
    if (claim.metadata.deletionTimestamp) return { terms: [], reason: `${named} is being deleted` };
    const bound = claim.spec.volumeName;
    const volumes = bound
      ? [this.volumes.get(undefined, bound) ?? []].flat()
      : this.candidates(claim);
    if (volumes.length === 0) {
      const reason = bound
        ? `volume ${bound} of ${named} does not exist`
        : `${named} has no volume and none that is free suits it`;
      return { terms: [], reason };
    }
    if (volumes.some((volume) => termsOf(volume) === undefined)) return undefined;
    const terms = volumes.flatMap((volume) => termsOf(volume) ?? []);
    return { terms, reason: `no volume for ${named} can be reached from there` };
  }

  /** Free volumes that suit the claim, those kept for it first, then the smallest. */
  private candidates(claim: PersistentVolumeClaim): PersistentVolume[] {
    const wanted = claim.spec.volumeName;
    const free = this.volumes.list().filter((volume) => {
      const { metadata, spec, status } = volume;
      if (wanted ? metadata.name !== wanted : status?.phase === 'Released') return false;
      if (this.given.has(metadata.name!) || metadata.deletionTimestamp) return false;
      return (!spec.claimRef || isFor(volume, claim)) && suits(volume, claim);
    });
    const isKept = (volume: PersistentVolume) => (volume.spec.claimRef ? 0 : 1);
    const size = ({ spec }: PersistentVolume) => spec.capacity?.['storage'] ?? '0';
    return free.sort((a, b) => isKept(a) - isKept(b) || compareQuantities(size(a), size(b)));
  }
}

function operationsOf({ claim, volume }: Match): ObjectOperation[] {
  const { namespace, name, uid } = claim.metadata;
  const claimRef = { kind: 'PersistentVolumeClaim', apiVersion: 'v1', namespace, name, uid };
  const boundVolume = {
    ...volume,
    spec: { ...volume.spec, claimRef },
    status: { ...volume.status, phase: 'Bound' },
  };
  const { accessModes, capacity } = volume.spec;
  const boundClaim = {
    ...claim,
    spec: { ...claim.spec, volumeName: volume.metadata.name },
    status: { ...claim.status, phase: 'Bound', accessModes, capacity },
  };
  return [
    { type: 'update', kind: PersistentVolumeKind, object: boundVolume },
    { type: 'update', kind: PersistentVolumeClaimKind, object: boundClaim },
  ] as unknown as ObjectOperation[];
}
