import { join } from 'node:path';
import type { SnapshotDriver } from './driver.js';
import { runLayers } from './layers-program.js';

/** A copy of the whole image for each container; shares blocks where the file system can (Btrfs, XFS). */
export function copyDriver(layersBinary: string): SnapshotDriver {
  return {
    name: 'copy',
    layerFormat: 'directory',
    cost: 'each container takes a whole copy of its image on the disk, and the time to make it',
    async prepare({ layerDirs: input }, dir, signal) {
      await runLayers(layersBinary, ['copy', '--to', dir], { input, signal });
      return { kind: 'directory', directory: join(dir, 'root') };
    },
  };
}
