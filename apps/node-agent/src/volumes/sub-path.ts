import { constants } from 'node:fs';
import { mkdir, open, realpath, type FileHandle } from 'node:fs/promises';
import { safeRelativePath } from './payload.js';
import { VolumeError } from './volume-error.js';

// Linux' O_PATH, which Node does not name: a descriptor that only points at its file.
const O_PATH = 0o10_000_000;

/** A place inside a volume that is held open, so that nobody can swap a link into its path. */
export interface HeldPath {
  /** Valid until released: a link of /proc that leads to the very file that was opened. */
  readonly source: string;
  release(): Promise<void>;
}

async function openChild(parent: FileHandle, name: string, last: boolean): Promise<FileHandle> {
  const path = `/proc/self/fd/${parent.fd}/${name}`;
  const flags = O_PATH | constants.O_NOFOLLOW;
  try {
    return await open(path, flags);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
  }
  await mkdir(path, { mode: last ? 0o777 : 0o755 });
  return open(path, flags);
}

/** The components below the root that the sub path leads to, links inside the volume followed. */
async function resolveInside(volume: string, root: string, subPath: string): Promise<string[]> {
  const resolved = await realpath(`${root}/${subPath}`).catch(() => undefined);
  if (resolved === undefined) return subPath.split('/');
  const base = await realpath(root);
  if (resolved.startsWith(`${base}/`)) return resolved.slice(base.length + 1).split('/');
  throw new VolumeError(volume, `subPath ${JSON.stringify(subPath)} leads out of the volume`);
}

/**
 * Holds the place that `subPath` leads to; missing directories are made. Links inside the volume are
 * resolved first (files of a configMap are links); then the way is walked one component at a time, each
 * opened relative to the last and never through a link: the container that owns the volume can change
 * it at any time, which is why a path that was merely checked would not do.
 */
export async function holdSubPath(
  volume: string,
  root: string,
  subPath: string,
  pid: number = process.pid,
): Promise<HeldPath> {
  if (!safeRelativePath(subPath)) {
    throw new VolumeError(
      volume,
      `subPath ${JSON.stringify(subPath)} must be relative, without ".."`,
    );
  }
  let at = await open(root, O_PATH | constants.O_DIRECTORY);
  try {
    const names = await resolveInside(volume, root, subPath);
    for (const [index, name] of names.entries()) {
      const next = await openChild(at, name, index === names.length - 1);
      await at.close();
      at = next;
      if ((await at.stat()).isSymbolicLink()) {
        throw new VolumeError(
          volume,
          `subPath ${JSON.stringify(subPath)}: "${name}" is a symbolic link`,
        );
      }
    }
  } catch (error) {
    await at.close();
    if (error instanceof VolumeError) throw error;
    throw new VolumeError(
      volume,
      `subPath ${JSON.stringify(subPath)}: ${(error as Error).message}`,
    );
  }
  return { source: `/proc/${pid}/fd/${at.fd}`, release: () => at.close() };
}
