import { silentLogger } from '@gantry/base';
import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ImageStore, type ImageStoreOptions } from '../image-store.js';

const root = join(import.meta.dirname, '../../../..');
export const layersBinary = join(root, 'native/target/release/gantry-layers');

/** Runs `work` with a store in a directory of its own, and removes both. */
export async function withStore(
  options: Partial<ImageStoreOptions>,
  work: (store: ImageStore, dir: string) => Promise<void>,
): Promise<void> {
  if (!existsSync(layersBinary)) {
    throw new Error('build gantry-layers first: cargo build --release -p gantry-layers in native/');
  }
  const dir = options.dir ?? (await mkdtemp(join(tmpdir(), 'gantry-images-')));
  const store = new ImageStore({ dir, layersBinary, logger: silentLogger, ...options });
  try {
    await work(store, dir);
  } finally {
    await store.close();
    unmountLayers(dir);
    if (options.dir === undefined) await rm(dir, { recursive: true, force: true });
  }
}

/** What a restart of the host does to layers that are image files. */
export function unmountLayers(dir: string): void {
  execFileSync(layersBinary, ['unmount', '--store', dir]);
}

/** Hashes every blob of the store; returns the names of those that are not what they say. */
export function damagedBlobs(dir: string): string[] {
  const output = execFileSync(layersBinary, ['verify', '--store', dir], { encoding: 'utf8' });
  return (JSON.parse(output) as { damaged: string[] }).damaged;
}
