import {
  PersistentVolumeClaimKind,
  PersistentVolumeKind,
  type Container,
  type HostPathVolumeSource,
  type PersistentVolume,
  type PersistentVolumeClaim,
  type Pod,
  type Volume,
} from '@gantry/api';
import type { Informer, Informers } from '@gantry/controller';

/** A directory of the host that a persistent volume stands for. */
function pathOf({ spec }: PersistentVolume): HostPathVolumeSource | undefined {
  if (spec.local) return { path: spec.local.path, type: 'Directory' };
  return spec.hostPath;
}

/** Puts the directories of bound claims into pods on their way to an agent, which knows directories alone. */
export class ClaimedVolumes {
  private readonly claims: Informer<PersistentVolumeClaim>;
  private readonly volumes: Informer<PersistentVolume>;

  constructor(informers: Informers) {
    this.claims = informers.for(PersistentVolumeClaimKind);
    this.volumes = informers.for(PersistentVolumeKind);
  }

  get synced(): Promise<unknown> {
    return Promise.all([this.claims.synced, this.volumes.synced]);
  }

  /** Calls back after claims or volumes changed; the returned function ends that. */
  subscribe(changed: () => void): () => void {
    const handler = { added: changed, updated: changed };
    const ends = [this.claims.subscribe(handler), this.volumes.subscribe(handler)];
    return () => ends.forEach((end) => end());
  }

  /** The pod as the agent is to run it; undefined while one of its claims is not known to be bound. */
  resolve(pod: Pod): Pod | undefined {
    const { volumes = [] } = pod.spec;
    if (!volumes.some((volume) => volume.persistentVolumeClaim)) return pod;
    const resolved: Volume[] = [];
    for (const volume of volumes) {
      const claim = volume.persistentVolumeClaim;
      const hostPath = claim && this.directory(pod, claim.claimName);
      if (claim && !hostPath) return undefined;
      resolved.push(hostPath ? { name: volume.name, hostPath } : volume);
    }
    const { containers, initContainers } = pod.spec;
    const spec = {
      ...pod.spec,
      volumes: resolved,
      containers: containers.map((each) => readOnlyIn(each, volumes)),
      ...(initContainers
        ? { initContainers: initContainers.map((each) => readOnlyIn(each, volumes)) }
        : {}),
    };
    return { ...pod, spec };
  }

  private directory({ metadata }: Pod, name: string): HostPathVolumeSource | undefined {
    const claim = this.claims.get(metadata.namespace, name);
    const bound = claim?.spec.volumeName;
    const volume = bound ? this.volumes.get(undefined, bound) : undefined;
    // A claim that was made anew under the name does not own what the old one had.
    const isOurs = volume?.spec.claimRef?.uid === claim?.metadata.uid;
    return volume && isOurs ? pathOf(volume) : undefined;
  }
}

/** A claim that is used to read only is mounted so, whatever the mount says. */
function readOnlyIn(container: Container, volumes: readonly Volume[]): Container {
  const readOnly = new Set(
    volumes.flatMap((v) => (v.persistentVolumeClaim?.readOnly ? [v.name] : [])),
  );
  if (readOnly.size === 0 || !container.volumeMounts) return container;
  const volumeMounts = container.volumeMounts.map((mount) =>
    readOnly.has(mount.name) ? { ...mount, readOnly: true } : mount,
  );
  return { ...container, volumeMounts };
}
