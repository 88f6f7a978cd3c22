import {
  compareQuantities,
  matches,
  PersistentVolumeClaimKind,
  PersistentVolumeKind,
  type ApiObject,
  type PersistentVolume,
  type PersistentVolumeClaim,
  type Pod,
} from '@gantry/api';
import { objectKey, type ObjectOperation } from '@gantry/controller';
import { matchesTerms, type PodInput, type VolumeAffinityInput } from '@gantry/scheduler';

/** A claim that gets its volume together with the pod's node. */
interface Match {
  readonly claim: PersistentVolumeClaim;
  readonly volume: PersistentVolume;
}

/** A match whose transaction is under way, for all the pods that share the claim. */
interface Gift extends Match {
  readonly operations: readonly ObjectOperation[];
  pods: number;
}

/** What has to be written so that a pod's claims have their volumes. */
export interface VolumeBindings {
  /** The same objects for all pods that share a claim. */
  readonly operations: readonly ObjectOperation[];
  /** Uids of the claims that get a volume. */
  readonly claims: readonly string[];
}

const none: VolumeBindings = { operations: [], claims: [] };

/** A pod as far as its claims go, stored or not. */
type Claimant = PodInput & Pick<Pod, 'metadata'> & { readonly spec: Pick<Pod['spec'], 'volumes'> };

function claimNames({ spec }: Claimant): string[] {
  const named = (spec.volumes ?? []).flatMap((v) => v.persistentVolumeClaim?.claimName ?? []);
  return [...new Set(named)];
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

/** Objects of one kind, as an informer or a list shows them. */
export interface Shelf<T> {
  get(namespace: string | undefined, name: string): T | undefined;
  list(): T[];
}

/** Objects of a list, by name. */
export function shelfOf<T extends ApiObject>(objects: readonly T[]): Shelf<T> {
  const byKey = new Map(objects.map((object) => [objectKey(object), object]));
  return {
    get: (namespace, name) => byKey.get(namespace ? `${namespace}/${name}` : name),
    list: () => [...byKey.values()],
  };
}

/** Claims and volumes as decisions need them: from which nodes a pod's claims can be met, and by which volume. */
export class VolumeBook {
  /** What claims are given by transactions that are under way, by the claim's uid. */
  private readonly given = new Map<string, Gift>();

  constructor(
    private readonly claims: Shelf<PersistentVolumeClaim>,
    private readonly volumes: Shelf<PersistentVolume>,
  ) {}

  /** The pod with what its claims ask of nodes; the same object for the many that have none. */
  effective<P extends Claimant>(pod: P): P & PodInput {
    const names = claimNames(pod);
    if (names.length === 0) return pod;
    const volumeAffinity = names.flatMap((name) => this.affinity(pod, name) ?? []);
    return { ...pod, spec: { ...pod.spec, volumeAffinity } };
  }

  /** Binds the pod's claims on this node; undefined when one of them has no volume left there. */
  bind(
    pod: Pod,
    node: { name: string; labels: Readonly<Record<string, string>> },
  ): VolumeBindings | undefined {
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
    const gifts = matched.map((match) => this.give(match));
    return {
      operations: gifts.flatMap(({ operations }) => operations),
      claims: matched.map(({ claim }) => claim.metadata.uid!),
    };
  }

  /** The transaction is over, well or not: what it took is to be seen in the volumes themselves. */
  settled({ claims }: VolumeBindings): void {
    for (const uid of claims) {
      const gift = this.given.get(uid);
      if (gift && --gift.pods === 0) this.given.delete(uid);
    }
  }

  private give(match: Match): Gift {
    const uid = match.claim.metadata.uid!;
    const known = this.given.get(uid);
    const gift = known ?? { ...match, operations: operationsOf(match), pods: 0 };
    gift.pods += 1;
    this.given.set(uid, gift);
    return gift;
  }

  private affinity(pod: Claimant, name: string): VolumeAffinityInput | undefined {
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
    const gift = this.given.get(claim.metadata.uid!);
    if (gift) return [gift.volume];
    const taken = new Set([...this.given.values()].map(({ volume }) => volume.metadata.name));
    const wanted = claim.spec.volumeName;
    const free = this.volumes.list().filter((volume) => {
      const { metadata, spec, status } = volume;
      if (wanted ? metadata.name !== wanted : status?.phase === 'Released') return false;
      if (taken.has(metadata.name) || metadata.deletionTimestamp) return false;
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
