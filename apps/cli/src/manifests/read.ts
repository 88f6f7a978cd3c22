import { readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import type { Terminal } from '../terminal.js';
import { CommandError, UsageError } from '../usage-error.js';
import type { Manifest } from './manifest.js';

const extensions = /\.(ya?ml|json)$/;

async function filesBelow(folder: string, recursive: boolean): Promise<string[]> {
  const entries = (await readdir(folder, { withFileTypes: true })).toSorted((a, b) =>
    a.name < b.name ? -1 : 1,
  );
  const found: string[] = [];
  for (const entry of entries) {
    const path = join(folder, entry.name);
    if (entry.isDirectory() && recursive) found.push(...(await filesBelow(path, true)));
    else if (!entry.isDirectory() && extensions.test(entry.name)) found.push(path);
  }
  return found;
}

async function expand(path: string, recursive: boolean): Promise<string[]> {
  if (path === '-') return [path];
  let isFolder: boolean;
  try {
    isFolder = (await stat(path)).isDirectory();
  } catch {
    throw new CommandError(`the path "${path}" does not exist`);
  }
  if (!isFolder) return [path];
  const files = await filesBelow(path, recursive);
  if (files.length > 0) return files;
  const hint = recursive ? '' : '; -R also looks below';
  throw new CommandError(`no .yaml, .yml or .json files in ${path}${hint}`);
}

/** All manifests of files, folders and `-` (stdin), in their order. */
export async function readManifests(
  terminal: Terminal,
  paths: readonly string[],
  recursive: boolean,
): Promise<Manifest[]> {
  if (paths.length === 0) throw new UsageError('must specify -f FILE, a folder, or - for stdin');
  const { parseManifests } = await import('./parse.js');
  const files = (await Promise.all(paths.map((path) => expand(path, recursive)))).flat();
  const manifests: Manifest[] = [];
  for (const file of files) {
    const source = file === '-' ? 'stdin' : file;
    const content = file === '-' ? await text(terminal.stdin) : await readFile(file, 'utf8');
    manifests.push(...parseManifests(content, source));
  }
  if (manifests.length === 0) throw new CommandError('no objects passed');
  return manifests;
}
