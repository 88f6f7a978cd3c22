import { constants } from 'node:fs';
import { mkdir, open, realpath, rm, type FileHandle } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { RunResult } from '@gantry/runtime-client';
import { isMountPoint } from './mount-table.js';
import { safeRelativePath } from './payload.js';
import { VolumeError } from './volume-error.js';

// Linux' O_PATH, which Node does not name: a descriptor that only points at its file.
const O_PATH = 0o10_000_000;

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
  const base = await realpath(root);
  const names = subPath.split('/');
  for (let length = names.length; length > 0; length -= 1) {
    const prefix = names.slice(0, length).join('/');
    const resolved = await realpath(`${base}/${prefix}`).catch(() => undefined);
    if (resolved === undefined) continue;
    if (!resolved.startsWith(`${base}/`)) {
      throw new VolumeError(volume, `subPath ${JSON.stringify(subPath)} leads out of the volume`);
    }
    return [...resolved.slice(base.length + 1).split('/'), ...names.slice(length)];
  }
  return names;
}

/** Opens the place that a sub path leads to; missing directories are made. */
async function openInside(volume: string, root: string, subPath: string): Promise<FileHandle> {
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
    return at;
  } catch (error) {
    await at.close();
    if (error instanceof VolumeError) throw error;
    throw new VolumeError(
      volume,
      `subPath ${JSON.stringify(subPath)}: ${(error as Error).message}`,
    );
  }
}

/** Which sub path to put where. */
export interface SubPathStage {
  readonly volume: string;
  readonly root: string;
  readonly subPath: string;
  /** Where the place is mounted for the container to take it from. */
  readonly stage: string;
}

type Run = (argv: readonly string[]) => Promise<RunResult>;

async function mustRun(volume: string, run: Run, argv: readonly string[]): Promise<void> {
  const { exitCode, stderr } = await run(argv);
  if (exitCode !== 0) throw new VolumeError(volume, `${argv[0]}: ${stderr.trim()}`);
}

async function makeStage(handle: FileHandle, stage: string): Promise<void> {
  await rm(stage, { recursive: true, force: true });
  await mkdir(dirname(stage), { recursive: true });
  if ((await handle.stat()).isDirectory()) await mkdir(stage);
  else await (await open(stage, 'w', 0o600)).close();
}

/**
 * Mounts the place that `subPath` leads to at a path of the agent's own, and returns that. Links inside
 * the volume are resolved first (files of a configMap are links); then the way is walked one component
 * at a time, each opened relative to the last and never through a link, and what was opened is mounted:
 * the container that owns the volume can change it at any moment, so a path merely checked would not do.
 */
export async function stageSubPath(order: SubPathStage, run: Run): Promise<string> {
  const { volume, root, subPath, stage } = order;
  if (!safeRelativePath(subPath)) {
    throw new VolumeError(
      volume,
      `subPath ${JSON.stringify(subPath)} must be relative, without ".."`,
    );
  }
  // An earlier attempt of the container left its own.
  if (isMountPoint(stage)) await mustRun(volume, run, ['/bin/umount', stage]);
  const handle = await openInside(volume, root, subPath);
  try {
    await makeStage(handle, stage);
    // Without resolving the source itself, which would follow the path again.
    const source = `/proc/${process.pid}/fd/${handle.fd}`;
    await mustRun(volume, run, ['/bin/mount', '--no-canonicalize', '--bind', source, stage]);
    return stage;
  } finally {
    await handle.close();
  }
}
