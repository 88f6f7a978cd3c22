import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { SnapshotDriver } from './driver.js';

const prepare: SnapshotDriver['prepare'] = async ({ layerDirs }, dir) => {
  const [upper, work] = [join(dir, 'upper'), join(dir, 'work')];
  for (const made of [upper, work]) await mkdir(made, { recursive: true });
  return { kind: 'layers', layers: { lower: layerDirs, upper, work } };
};

/** Unpacked layers, shared by all, with a layer of the container's own on top. */
export const overlayDriver: SnapshotDriver = {
  name: 'overlay',
  layerFormat: 'directory',
  cost: 'a container takes on the disk what it writes',
  prepare,
};

/** The same over layers that are read-only image files. */
export const erofsDriver: SnapshotDriver = {
  name: 'erofs',
  layerFormat: 'erofs',
  cost: 'a pull also writes an image file of each layer; a container takes on the disk what it writes',
  prepare,
};
