import { ImageError } from '../errors.js';
import { hexOf } from '../manifest.js';
import { mediaTypes } from '../media-types.js';
import type { ContentStore } from '../store/content-store.js';
import type { ImageRecord } from '../store/image-index.js';
import { readDocuments } from '../store/images.js';
import type { Descriptor } from '../types.js';
import { type TarMember, writeTar } from './tar-writer.js';

export interface SavedImage {
  readonly name: string;
  readonly record: ImageRecord;
}

const blobName = (digest: string): string => `blobs/sha256/${hexOf(digest)}`;

function json(value: unknown): Uint8Array {
  return Buffer.from(JSON.stringify(value));
}

function member(name: string, bytes: Uint8Array): TarMember {
  return { name, size: bytes.length, content: bytes };
}

/**
 * The images as one archive that is an OCI layout and a docker-archive at once, so that docker, podman, skopeo and
 * containerd load it. Throws ImageError `not-found` when a blob is no longer in the store.
 */
export async function saveImages(
  content: ContentStore,
  images: readonly SavedImage[],
): Promise<AsyncGenerator<Uint8Array>> {
  const blobs = new Map<string, TarMember>();
  const manifests: Descriptor[] = [];
  const dockerManifests: object[] = [];
  for (const image of images) {
    const documents = await readDocuments(content, image.record);
    const bytes = await content.smallBlob(image.record.manifestDigest);
    if (!documents || !bytes) throw missing(image.name, image.record.manifestDigest);
    const { config, layers, mediaType = mediaTypes.ociManifest } = documents.manifest;
    for (const { digest, size } of [config, ...layers]) {
      if (!content.hasBlob(digest)) throw missing(image.name, digest);
      const file = content.blobPath(digest);
      blobs.set(digest, { name: blobName(digest), size, content: { file } });
    }
    const digest = image.record.manifestDigest;
    blobs.set(digest, member(blobName(digest), bytes));
    const annotations = { 'io.containerd.image.name': image.name, ...tagAnnotation(image.name) };
    manifests.push({ mediaType, digest, size: bytes.length, annotations });
    dockerManifests.push({
      Config: blobName(config.digest),
      RepoTags: image.name.includes('@') ? [] : [image.name],
      Layers: layers.map((layer) => blobName(layer.digest)),
    });
  }
  const index = { schemaVersion: 2, mediaType: mediaTypes.ociIndex, manifests };
  return writeTar([
    member('oci-layout', json({ imageLayoutVersion: '1.0.0' })),
    member('index.json', json(index)),
    member('manifest.json', json(dockerManifests)),
    ...blobs.values(),
  ]);
}

function tagAnnotation(name: string): Record<string, string> {
  const tag = /:([^:/@]+)$/.exec(name)?.[1];
  return tag ? { 'org.opencontainers.image.ref.name': tag } : {};
}

function missing(name: string, digest: string): ImageError {
  const hint = 'its layer came with another image, compressed otherwise';
  return new ImageError('not-found', `${digest} of ${name} is not in the store; ${hint}`);
}
