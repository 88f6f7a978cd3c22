import { randomBytes } from 'node:crypto';
import {
  chmod,
  chown,
  mkdir,
  readFile,
  readdir,
  readlink,
  rename,
  rm,
  symlink,
  writeFile,
} from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { Payload } from './payload.js';

const dataLink = '..data';

async function currentPayload(dir: string): Promise<Map<string, Buffer>> {
  const files = new Map<string, Buffer>();
  const root = join(dir, dataLink);
  const entries = await readdir(root, { recursive: true, withFileTypes: true }).catch(() => []);
  for (const entry of entries) {
    if (!entry.isFile()) continue;
    const path = join(entry.parentPath, entry.name);
    files.set(path.slice(root.length + 1), await readFile(path));
  }
  return files;
}

function equal(payload: Payload, current: ReadonlyMap<string, Buffer>): boolean {
  if (payload.size !== current.size) return false;
  return [...payload].every(([path, file]) => current.get(path)?.equals(file.data));
}

async function own(path: string, mode: number, groupId: number | undefined): Promise<void> {
  if (groupId !== undefined) await chown(path, 0, groupId);
  // The umask has cut the mode that the file was made with.
  await chmod(path, mode);
}

async function writeFiles(
  root: string,
  payload: Payload,
  groupId: number | undefined,
): Promise<void> {
  const dirMode = groupId === undefined ? 0o755 : 0o2775;
  await mkdir(root);
  await own(root, dirMode, groupId);
  for (const [path, file] of payload) {
    const target = join(root, path);
    const made = await mkdir(dirname(target), { recursive: true });
    if (made) await own(dirname(target), dirMode, groupId);
    await writeFile(target, file.data);
    await own(target, groupId === undefined ? file.mode : file.mode | 0o440, groupId);
  }
}

function topLevel(payload: Payload): Set<string> {
  return new Set([...payload.keys()].map((path) => path.split('/', 1)[0]!));
}

async function linkVisible(dir: string, names: ReadonlySet<string>): Promise<void> {
  for (const name of await readdir(dir)) {
    if (!name.startsWith('..') && !names.has(name)) await rm(join(dir, name), { force: true });
  }
  for (const name of names) {
    const path = join(dir, name);
    const target = join(dataLink, name);
    if ((await readlink(path).catch(() => undefined)) === target) continue;
    await rm(path, { recursive: true, force: true });
    await symlink(target, path);
  }
}

/**
 * Makes the directory show exactly these files, all changed at one instant: the names link through
 * `..data`, and one rename switches that to a new tree (the layout Kubernetes uses, so that programs
 * that watch `..data` see the change). Does nothing when the content is the same; true when it changed.
 */
export async function writeAtomically(
  dir: string,
  payload: Payload,
  groupId?: number,
): Promise<boolean> {
  await mkdir(dir, { recursive: true, mode: 0o755 });
  const previous = await readlink(join(dir, dataLink)).catch(() => undefined);
  if (previous !== undefined && equal(payload, await currentPayload(dir))) return false;
  const stamp = new Date().toISOString().replaceAll(/[^\d]/g, '_');
  const tree = `..${stamp}${randomBytes(4).toString('hex')}`;
  await writeFiles(join(dir, tree), payload, groupId);
  const temporary = join(dir, `${dataLink}_tmp`);
  await rm(temporary, { force: true });
  await symlink(tree, temporary);
  await rename(temporary, join(dir, dataLink));
  await linkVisible(dir, topLevel(payload));
  for (const name of await readdir(dir)) {
    // Also trees that an earlier, interrupted write has left.
    const stale = name.startsWith('..') && name !== dataLink && name !== tree;
    if (stale) await rm(join(dir, name), { recursive: true, force: true });
  }
  return true;
}
