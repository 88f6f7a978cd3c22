import { constants } from 'node:fs';
import { lstat, open, readlink } from 'node:fs/promises';
import { join } from 'node:path';

/** Files of an image that the agent reads (passwd, group) may be this large, in bytes. */
export const layerFileLimit = 1024 * 1024;

const maxLinks = 16;

type Found = { type: 'file' | 'link'; path: string } | 'hidden' | undefined;

/** Where the path is in one layer; links are reported with the components that led to them. */
async function findInLayer(layer: string, components: readonly string[]): Promise<[Found, number]> {
  let path = layer;
  for (const [depth, component] of components.entries()) {
    path = join(path, component);
    const stats = await lstat(path).catch(() => undefined);
    if (!stats) return [undefined, depth];
    // A character device 0/0 is overlayfs' whiteout: lower layers do not count below here.
    if (stats.isCharacterDevice() && stats.rdev === 0) return ['hidden', depth];
    if (stats.isSymbolicLink()) return [{ type: 'link', path }, depth];
    const last = depth === components.length - 1;
    if (last) return [stats.isFile() ? { type: 'file', path } : 'hidden', depth];
    if (!stats.isDirectory()) return ['hidden', depth];
  }
  return [undefined, 0];
}

async function readRegular(path: string): Promise<string | undefined> {
  const file = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  try {
    const { size } = await file.stat();
    if (size > layerFileLimit) return undefined;
    return await file.readFile('utf8');
  } finally {
    await file.close();
  }
}

function normalize(components: readonly string[]): string[] {
  const result: string[] = [];
  for (const component of components) {
    if (component === '..') result.pop();
    else if (component !== '' && component !== '.') result.push(component);
  }
  return result;
}

/**
 * Reads a file of an image as its container would see it, from layers given topmost first. Links are
 * followed inside the image only. Undefined when there is none or it is over the limit.
 */
export async function readLayerFile(
  layers: readonly string[],
  path: string,
): Promise<string | undefined> {
  let components = normalize(path.split('/'));
  for (let links = 0; links <= maxLinks; links += 1) {
    const next = await resolveOnce(layers, components);
    if (next === undefined) return undefined;
    if (typeof next === 'string') return readRegular(next);
    components = next;
  }
  return undefined;
}

/** The host path of the file, or the components to try next when a link was met. */
async function resolveOnce(
  layers: readonly string[],
  components: readonly string[],
): Promise<string | string[] | undefined> {
  for (const layer of layers) {
    const [found, depth] = await findInLayer(layer, components);
    if (found === 'hidden') return undefined;
    if (found?.type === 'file') return found.path;
    if (found?.type !== 'link') continue;
    const target = await readlink(found.path);
    const base = target.startsWith('/') ? [] : components.slice(0, depth);
    return normalize([...base, ...target.split('/'), ...components.slice(depth + 1)]);
  }
  return undefined;
}
