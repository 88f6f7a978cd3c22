import { rm } from 'node:fs/promises';
import { runLayers } from './layers-program.js';

/**
 * Removes what containers have written, or copies of images. Trees deeper than a path can be long are beyond the
 * file system calls of Node; gantry-layers removes them too, and large ones faster, but is a process more.
 */
export async function removeTree(layersBinary: string, dir: string): Promise<void> {
  try {
    await rm(dir, { recursive: true, force: true });
  } catch {
    await runLayers(layersBinary, ['remove', dir]);
  }
}
