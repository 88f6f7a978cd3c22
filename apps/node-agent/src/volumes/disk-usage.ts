import { opendir, lstat } from 'node:fs/promises';
import { join } from 'node:path';
import type { Pod } from '@gantry/api';
import { attemptPaths, type PodPaths } from '../pods/paths.js';
import type { PodRecord } from '../pods/record.js';
import { parseBytes } from '../quantity.js';
import { volumePath } from './volumes.js';

/** Bytes that a tree takes on disk; links are not followed, and what vanishes meanwhile does not count. */
export async function diskUsageBytes(dir: string): Promise<number> {
  const opened = await opendir(dir).catch(() => undefined);
  if (!opened) return 0;
  let bytes = 0;
  for await (const entry of opened) {
    const path = join(dir, entry.name);
    const stats = await lstat(path).catch(() => undefined);
    bytes += (stats?.blocks ?? 0) * 512;
    if (entry.isDirectory()) bytes += await diskUsageBytes(path);
  }
  return bytes;
}

/** Why a pod must go because it takes more of the disk than it may, or undefined. */
export async function diskExcess(
  pod: Pod,
  record: PodRecord,
  paths: PodPaths,
): Promise<string | undefined> {
  for (const volume of pod.spec.volumes ?? []) {
    const { sizeLimit, medium } = volume.emptyDir ?? {};
    if (sizeLimit === undefined || medium === 'Memory') continue;
    const used = await diskUsageBytes(volumePath(paths, volume));
    if (used > parseBytes(sizeLimit)) {
      return `Usage of EmptyDir volume "${volume.name}" exceeds the limit "${sizeLimit}".`;
    }
  }
  for (const container of pod.spec.containers) {
    const limit = container.resources?.limits?.['ephemeral-storage'];
    const attempt = record.containers[container.name]?.current;
    if (limit === undefined || !attempt || attempt.exit) continue;
    const used = await diskUsageBytes(attemptPaths(paths, container.name, attempt.attempt).layer);
    if (used > parseBytes(limit)) {
      return `Container ${container.name} exceeded its local ephemeral storage limit "${limit}".`;
    }
  }
  return undefined;
}
