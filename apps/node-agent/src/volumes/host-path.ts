import { mkdir, open, stat } from 'node:fs/promises';
import type { Stats } from 'node:fs';
import { dirname } from 'node:path';
import type { HostPathType, HostPathVolumeSource } from '@gantry/api';
import { VolumeError } from './volume-error.js';

const checks: Partial<Record<HostPathType, [string, (stats: Stats) => boolean]>> = {
  DirectoryOrCreate: ['a directory', (stats) => stats.isDirectory()],
  Directory: ['a directory', (stats) => stats.isDirectory()],
  FileOrCreate: ['a file', (stats) => stats.isFile()],
  File: ['a file', (stats) => stats.isFile()],
  Socket: ['a socket', (stats) => stats.isSocket()],
  CharDevice: ['a character device', (stats) => stats.isCharacterDevice()],
  BlockDevice: ['a block device', (stats) => stats.isBlockDevice()],
};

async function create(path: string, type: HostPathType): Promise<void> {
  if (type === 'DirectoryOrCreate' || type === '') {
    await mkdir(path, { recursive: true, mode: 0o755 });
  } else if (type === 'FileOrCreate') {
    await mkdir(dirname(path), { recursive: true, mode: 0o755 });
    await (await open(path, 'a', 0o644)).close();
  }
}

/** Checks (and where the type says so makes) a path of the node; returns it. */
export async function prepareHostPath(
  volume: string,
  source: HostPathVolumeSource,
): Promise<string> {
  const { path, type = '' } = source;
  if (!path.startsWith('/') || path.split('/').includes('..')) {
    throw new VolumeError(
      volume,
      `hostPath ${JSON.stringify(path)} must be absolute, without ".."`,
    );
  }
  const exists = () => stat(path).catch(() => undefined);
  if (!(await exists())) await create(path, type);
  const stats = await exists();
  const [what, check] = checks[type] ?? ['there', () => true];
  if (!stats) throw new VolumeError(volume, `hostPath ${path} does not exist on the node`);
  if (!check(stats)) throw new VolumeError(volume, `hostPath ${path} is not ${what}`);
  return path;
}
