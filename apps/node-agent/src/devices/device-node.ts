import { statSync } from 'node:fs';
import type { Device } from '@gantry/runtime-client';

/** Major and minor number of glibc's encoding of dev_t. */
export function deviceNumbers(device: number): { major: number; minor: number } {
  return {
    major: (device >> 8) & 0xfff,
    minor: (device & 0xff) | ((device >> 12) & 0xfff00),
  };
}

/** The device file at this path of the host, as a container gets it at the same path; undefined for other files. */
export function deviceNode(path: string): Device | undefined {
  const stats = statSync(path);
  if (!stats.isCharacterDevice() && !stats.isBlockDevice()) return undefined;
  const { rdev, mode, uid, gid } = stats;
  const type = stats.isBlockDevice() ? 'b' : 'c';
  return { path, type, ...deviceNumbers(rdev), fileMode: mode & 0o777, uid, gid };
}
