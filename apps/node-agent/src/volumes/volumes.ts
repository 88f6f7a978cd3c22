import { chmod, chown, mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { Container, Pod, Volume, VolumeMount } from '@gantry/api';
import type { Mount, RunResult } from '@gantry/runtime-client';
import type { ResourceLookup } from '../bundle/environment.js';
import { expand } from '../bundle/expand.js';
import type { FieldContext } from '../bundle/fields.js';
import type { PodPaths } from '../pods/paths.js';
import { parseBytes } from '../quantity.js';
import { writeAtomically } from './atomic-writer.js';
import { prepareHostPath } from './host-path.js';
import { idmapped } from './idmap.js';
import { isMountPoint } from './mount-table.js';
import { volumePayload } from './payload.js';
import { stageSubPath } from './sub-path.js';
import { VolumeError } from './volume-error.js';

/** Runs a program on the host; see RuntimeClient.run. */
export type RunOnHost = (argv: readonly string[]) => Promise<RunResult>;

/** What volumes are made from. */
export interface VolumeContext {
  readonly paths: PodPaths;
  readonly fields: FieldContext;
  readonly lookup: ResourceLookup;
  readonly run: RunOnHost;
}

const isWritten = (volume: Volume) =>
  Boolean(volume.configMap ?? volume.secret ?? volume.downwardAPI ?? volume.projected);

// What holds a secret lives under the run directory, in memory: it must never reach a disk.
function holdsSecret(volume: Volume): boolean {
  const projected = volume.projected?.sources?.some((source) => source.secret);
  return Boolean(volume.secret) || (projected ?? false);
}

/** Where a volume's content lies on the host. */
export function volumePath(paths: PodPaths, volume: Volume): string {
  if (volume.hostPath) return volume.hostPath.path;
  const inMemory = holdsSecret(volume) || volume.emptyDir?.medium === 'Memory';
  return join(inMemory ? paths.memoryVolumes : paths.volumes, volume.name);
}

async function prepareEmptyDir(volume: Volume, context: VolumeContext): Promise<void> {
  const path = volumePath(context.paths, volume);
  const { medium, sizeLimit } = volume.emptyDir!;
  await mkdir(path, { recursive: true });
  if (medium === 'Memory' && !isMountPoint(path)) {
    // A tmpfs of its own bounds what the pod can take from the host's memory.
    const size = sizeLimit === undefined ? '' : `,size=${parseBytes(sizeLimit)}`;
    const options = `nosuid,nodev,mode=0777${size}`;
    const result = await context.run(['/bin/mount', '-t', 'tmpfs', '-o', options, 'tmpfs', path]);
    if (result.exitCode !== 0)
      throw new VolumeError(volume.name, `mount tmpfs: ${result.stderr.trim()}`);
  }
  await own(path, context.fields.pod.spec.securityContext?.fsGroup);
}

async function own(path: string, groupId: number | undefined): Promise<void> {
  if (groupId !== undefined) await chown(path, 0, groupId);
  await chmod(path, groupId === undefined ? 0o777 : 0o2777);
}

async function prepareVolume(volume: Volume, context: VolumeContext): Promise<void> {
  if (volume.emptyDir) return prepareEmptyDir(volume, context);
  if (volume.hostPath) return void (await prepareHostPath(volume.name, volume.hostPath));
  const payload = volumePayload(volume, context.fields, context.lookup);
  if (!payload) throw new VolumeError(volume.name, 'is of a type that is not served');
  const groupId = context.fields.pod.spec.securityContext?.fsGroup;
  await writeAtomically(volumePath(context.paths, volume), payload, groupId);
}

/** Makes every volume of the pod ready; idempotent. VolumeError says which one cannot be had, and why. */
export async function prepareVolumes(pod: Pod, context: VolumeContext): Promise<void> {
  for (const volume of pod.spec.volumes ?? []) await prepareVolume(volume, context);
}

/** Brings the files of configMap, secret, downwardAPI and projected volumes up to date. */
export async function refreshVolumes(pod: Pod, context: VolumeContext): Promise<void> {
  for (const volume of pod.spec.volumes ?? []) {
    if (isWritten(volume)) await prepareVolume(volume, context);
  }
}

const propagations = {
  None: 'rprivate',
  HostToContainer: 'rslave',
  Bidirectional: 'rshared',
} as const;

function mountOptions(pod: Pod, mount: VolumeMount, volume: Volume): string[] {
  const readOnly = mount.readOnly || isWritten(volume);
  const mapped = volume.hostPath ? [] : idmapped(pod);
  const propagation = propagations[mount.mountPropagation ?? 'None'];
  return ['rbind', readOnly ? 'ro' : 'rw', propagation, ...mapped];
}

/** What the mounts of a container are made from. */
export interface MountContext {
  readonly paths: PodPaths;
  readonly run: RunOnHost;
  readonly env: ReadonlyMap<string, string>;
}

/** The volume mounts of a container, by the paths on the host that they show. */
export async function volumeMounts(
  pod: Pod,
  container: Container,
  { paths, run, env }: MountContext,
): Promise<Mount[]> {
  const mounts: Mount[] = [];
  for (const [index, mount] of (container.volumeMounts ?? []).entries()) {
    const volume = pod.spec.volumes?.find((one) => one.name === mount.name);
    if (!volume) throw new VolumeError(mount.name, 'is mounted but not declared in spec.volumes');
    const subPath = mount.subPathExpr ? expand(mount.subPathExpr, env) : mount.subPath;
    const root = volumePath(paths, volume);
    const stage = join(paths.subPaths, container.name, String(index));
    const source = subPath
      ? await stageSubPath({ volume: volume.name, root, subPath, stage }, run)
      : root;
    const options = mountOptions(pod, mount, volume);
    mounts.push({ destination: mount.mountPath, type: 'bind', source, options });
  }
  return mounts;
}
