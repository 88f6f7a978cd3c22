import { join } from 'node:path';
import { parseConfig, parseManifest } from '../manifest.js';
import { hostPlatform } from '../platform.js';
import type { Image, ImageConfigFile, ImageManifest } from '../types.js';
import type { ContentStore, LayerRecord } from './content-store.js';
import type { ImageRecord } from './image-index.js';
import type { LayerMounts } from './layer-mounts.js';

/** The documents of a stored image. */
export interface ImageDocuments {
  readonly manifest: ImageManifest;
  readonly config: ImageConfigFile;
}

/** Manifest and configuration, or undefined when one of them is gone. */
export async function readDocuments(
  content: ContentStore,
  record: ImageRecord,
): Promise<ImageDocuments | undefined> {
  const manifestBytes = await content.smallBlob(record.manifestDigest);
  if (!manifestBytes) return undefined;
  const parsed = parseManifest(record.manifestDigest, manifestBytes);
  if ('index' in parsed) return undefined;
  const { manifest } = parsed;
  const configBytes = await content.smallBlob(manifest.config.digest);
  if (!configBytes) return undefined;
  return { manifest, config: parseConfig(manifest.config.digest, configBytes, manifest) };
}

/**
 * The image as containers use it, or undefined when a part of it is not in the store. With `mounts`, layers that are
 * image files are mounted as well.
 */
export async function describeImage(
  content: ContentStore,
  record: ImageRecord,
  reference: string,
  mounts?: LayerMounts,
): Promise<Image | undefined> {
  const documents = await readDocuments(content, record);
  if (!documents) return undefined;
  const { manifest, config } = documents;
  const records = await Promise.all(config.rootfs.diff_ids.map((id) => content.layerRecord(id)));
  if (!records.every((layer) => layer !== undefined)) return undefined;
  if (record.fixup !== undefined && !content.hasFixup(record.fixup)) return undefined;
  await mounts?.ensure(records);
  const shown = lowers(records).map((diffId) => content.layerDir(diffId));
  const top = record.fixup === undefined ? [] : [join(content.fixupPath(record.fixup), 'fs')];
  const { os, architecture, variant } = { ...hostPlatform(), ...config };
  return {
    reference,
    digest: record.targetDigest,
    imageId: record.imageId,
    config: config.config ?? {},
    layerDirs: [...top, ...shown],
    sizeBytes: manifest.layers.reduce((sum, layer) => sum + layer.size, manifest.config.size),
    platform: { os, architecture, ...(variant && { variant }) },
  };
}

/**
 * The layers that show, topmost first: none below an opaque root, no empty ones, and each once, because overlayfs
 * refuses a directory that is given twice (the topmost place of a repeated layer has all its effect).
 */
export function lowers(bottomUp: readonly LayerRecord[]): string[] {
  const shown: string[] = [];
  for (const layer of bottomUp.toReversed()) {
    if (layer.entries > 0 && !shown.includes(layer.diffId)) shown.push(layer.diffId);
    if (layer.opaqueRoot) break;
  }
  const lowest = bottomUp[0];
  return shown.length === 0 && lowest ? [lowest.diffId] : shown;
}
