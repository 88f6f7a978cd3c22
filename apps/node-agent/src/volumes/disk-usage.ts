import { dirname } from 'node:path';
import type { Container, Pod } from '@gantry/api';
import { attemptPaths, type PodPaths } from '../pods/paths.js';
import type { PodRecord } from '../pods/record.js';
import { parseBytes } from '../quantity.js';
import { runLayers } from '../snapshots/layers-program.js';
import { volumePath } from './volumes.js';

/** A bound on what some directories hold together, and what to say when they hold more. */
export interface DiskLimit {
  readonly dirs: readonly string[];
  readonly limitBytes: number;
  readonly message: string;
}

/** How long the helper may look at the trees, in milliseconds; a look that takes longer is given up. */
const usageTimeoutMs = 60_000;
const resource = 'ephemeral-storage';

/**
 * Bytes that each tree takes on disk, by gantry-layers: it walks a million files without holding up the agent. Files
 * with several names count once, links are not followed, what is not there takes nothing; of a copy of an image counts
 * what has come on top of it.
 */
export async function diskUsage(
  layersBinary: string,
  dirs: readonly string[],
): Promise<ReadonlyMap<string, number>> {
  if (dirs.length === 0) return new Map();
  const signal = AbortSignal.timeout(usageTimeoutMs);
  const options = { input: dirs, signal };
  const { bytes } = await runLayers<{ bytes: number[] }>(layersBinary, ['usage'], options);
  return new Map(dirs.map((dir, i) => [dir, bytes[i] ?? 0]));
}

const limitOf = (container: Container) => container.resources?.limits?.[resource];

/** What the pod may hold on disk as its spec says; memory volumes are bounded by their own file system. */
export function diskLimits(pod: Pod, record: PodRecord, paths: PodPaths): DiskLimit[] {
  return [
    ...volumeLimits(pod, paths),
    ...containerLimits(pod, record, paths),
    ...podLimit(pod, record, paths),
  ];
}

function volumeLimits(pod: Pod, paths: PodPaths): DiskLimit[] {
  return (pod.spec.volumes ?? []).flatMap((volume) => {
    const { sizeLimit, medium } = volume.emptyDir ?? {};
    if (sizeLimit === undefined || medium === 'Memory') return [];
    const message = `Usage of EmptyDir volume "${volume.name}" exceeds the limit "${sizeLimit}".`;
    const dirs = [volumePath(paths, volume)];
    return [{ dirs, limitBytes: parseBytes(sizeLimit), message }];
  });
}

const allContainers = ({ spec }: Pod) => [...(spec.initContainers ?? []), ...spec.containers];

/** The writable layer of the attempt that runs, and the logs of all attempts. */
function containerDirs(container: Container, record: PodRecord, paths: PodPaths): string[] {
  const attempt = record.containers[container.name]?.current;
  if (!attempt) return [];
  const at = attemptPaths(paths, container.name, attempt.attempt);
  return attempt.exit ? [dirname(at.log)] : [at.layer, dirname(at.log)];
}

function containerLimits(pod: Pod, record: PodRecord, paths: PodPaths): DiskLimit[] {
  return allContainers(pod).flatMap((container) => {
    const limit = limitOf(container);
    const attempt = record.containers[container.name]?.current;
    if (limit === undefined || !attempt || attempt.exit) return [];
    const message = `Container ${container.name} exceeded its local ephemeral storage limit "${limit}".`;
    const dirs = containerDirs(container, record, paths);
    return [{ dirs, limitBytes: parseBytes(limit), message }];
  });
}

/** As in Kubernetes: what the containers' limits add up to bounds all containers and disk volumes together. */
function podLimit(pod: Pod, record: PodRecord, paths: PodPaths): DiskLimit[] {
  const limits = pod.spec.containers.flatMap((container) => limitOf(container) ?? []);
  if (limits.length === 0) return [];
  const sum = limits.reduce((total, limit) => total + parseBytes(limit), 0);
  const initial = (pod.spec.initContainers ?? []).map((one) => parseBytes(limitOf(one) ?? '0'));
  const limitBytes = Math.max(sum, ...initial);
  const volumes = (pod.spec.volumes ?? []).filter(
    ({ emptyDir }) => emptyDir && emptyDir.medium !== 'Memory',
  );
  const dirs = [
    ...allContainers(pod).flatMap((container) => containerDirs(container, record, paths)),
    ...volumes.map((volume) => volumePath(paths, volume)),
  ];
  const message = `Pod ephemeral local storage usage exceeds the total limit of containers ${limitBytes}.`;
  return [{ dirs, limitBytes, message }];
}

/** Why the pod must go because it holds more than it may, or undefined. */
export function diskExcess(
  limits: readonly DiskLimit[],
  usedBytes: ReadonlyMap<string, number>,
): string | undefined {
  const exceeded = limits.find(({ dirs, limitBytes }) => {
    const used = dirs.reduce((sum, dir) => sum + (usedBytes.get(dir) ?? 0), 0);
    return used > limitBytes;
  });
  return exceeded?.message;
}
