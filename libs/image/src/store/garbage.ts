import { statSync } from 'node:fs';
import { statfs } from 'node:fs/promises';
import { type ContentStore, layerDiskBytes } from './content-store.js';
import { type DiskUsage, type GarbagePolicy, selectDoomed } from './garbage-policy.js';
import type { ImageIndex, ImageRecord } from './image-index.js';
import { readDocuments } from './images.js';

/** What a collection removed. */
export interface GarbageReport {
  /** Names of removed images; those that had lost theirs appear by digest. */
  readonly images: readonly string[];
  readonly layers: number;
  readonly blobs: number;
  /** Bytes of removed blobs and of what removed layers had unpacked to, or of the image files that they were. */
  readonly freedBytes: number;
}

export interface Collection {
  readonly content: ContentStore;
  readonly index: ImageIndex;
  readonly inUse: ReadonlySet<string>;
  readonly policy: GarbagePolicy;
  /** Asked again right before each removal: a pull may have begun meanwhile. */
  readonly isNeeded: (digest: string) => boolean;
}

/** Removes the unused images that the policy names, then all content that no remaining image reaches. */
export async function collectContent(collection: Collection): Promise<GarbageReport> {
  const { content, index, policy } = collection;
  const startedAtMs = Date.now();
  const unused = index.allImages().filter((image) => !isInUse(collection, image));
  const candidates = await Promise.all(
    unused.map(async (image) => ({ image, bytes: await imageBytes(content, image) })),
  );
  const disk = await diskUsage(content.dir);
  const selected = selectDoomed(candidates, policy, disk, startedAtMs).map(({ image }) => image);
  // Looking took its time, in which a container may have been started from one of them.
  const doomed = selected.filter(
    (image) => image.lastUsedAtMs < startedAtMs && !isInUse(collection, image),
  );
  const images = doomed.flatMap((image) => {
    const names = index.namesOf(image);
    return names.length > 0 ? names : [image.manifestDigest];
  });
  await index.removeImages(doomed);
  const reachable = await reach(collection);
  const keep = (digest: string) => reachable.has(digest) || collection.isNeeded(digest);
  const layers = await discardLayers(collection.content, keep);
  const blobs = await discardBlobs(collection.content, keep);
  const fixups = new Set(index.allImages().flatMap(({ fixup }) => fixup ?? []));
  for (const name of await content.fixups()) {
    if (!fixups.has(name) && !collection.isNeeded(name)) content.discard('fixup', name);
  }
  const freedBytes = layers.bytes + blobs.bytes;
  return { images, layers: layers.count, blobs: blobs.count, freedBytes };
}

/** What the image takes, layers shared with others included: removing it frees at most that. */
async function imageBytes(content: ContentStore, image: ImageRecord): Promise<number> {
  const documents = await readDocuments(content, image);
  if (!documents) return 0;
  const records = await Promise.all(
    documents.config.rootfs.diff_ids.map((diffId) => content.layerRecord(diffId)),
  );
  return records.reduce((sum, layer) => sum + (layer ? layer.size + layerDiskBytes(layer) : 0), 0);
}

async function diskUsage(dir: string): Promise<DiskUsage> {
  const { blocks, bavail, bsize } = await statfs(dir);
  return { totalBytes: blocks * bsize, freeBytes: bavail * bsize };
}

function isInUse({ index, inUse }: Collection, image: ImageRecord): boolean {
  const keys = [image.manifestDigest, image.targetDigest, image.imageId, ...index.namesOf(image)];
  return keys.some((key) => inUse.has(key));
}

async function reach({ content, index }: Collection): Promise<Set<string>> {
  const reachable = new Set<string>();
  for (const image of index.allImages()) {
    reachable.add(image.manifestDigest).add(image.targetDigest).add(image.imageId);
    const documents = await readDocuments(content, image);
    for (const layer of documents?.manifest.layers ?? []) reachable.add(layer.digest);
    for (const diffId of documents?.config.rootfs.diff_ids ?? []) reachable.add(diffId);
  }
  return reachable;
}

interface Discarded {
  count: number;
  bytes: number;
}

async function discardLayers(
  content: ContentStore,
  keep: (digest: string) => boolean,
): Promise<Discarded> {
  const total = { count: 0, bytes: 0 };
  for (const diffId of await content.diffIds()) {
    const record = await content.layerRecord(diffId);
    if (keep(diffId) || !content.discard('layer', diffId)) continue;
    total.count += 1;
    total.bytes += record ? layerDiskBytes(record) : 0;
  }
  return total;
}

async function discardBlobs(
  content: ContentStore,
  keep: (digest: string) => boolean,
): Promise<Discarded> {
  const total = { count: 0, bytes: 0 };
  for (const digest of await content.blobDigests()) {
    if (keep(digest)) continue;
    const bytes = statSync(content.blobPath(digest), { throwIfNoEntry: false })?.size ?? 0;
    if (!content.discard('blob', digest)) continue;
    total.count += 1;
    total.bytes += bytes;
  }
  return total;
}
