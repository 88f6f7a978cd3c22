import { createReadStream } from 'node:fs';
import { ImageError } from '../errors.js';
import type { Reference } from '../reference.js';
import type { Pusher } from '../registry/pusher.js';
import type { ContentStore } from '../store/content-store.js';
import type { ImageRecord } from '../store/image-index.js';
import { readDocuments } from '../store/images.js';
import { mediaTypes } from '../media-types.js';

/** Most layers that are sent at once. */
const concurrent = 3;

/** Pushes a stored image (this platform's part of it) under the name; returns the digest it has there. */
export async function pushStored(
  content: ContentStore,
  record: ImageRecord,
  target: Reference,
  pusher: Pusher,
): Promise<string> {
  const documents = await readDocuments(content, record);
  const bytes = await content.smallBlob(record.manifestDigest);
  if (!documents || !bytes) {
    throw new ImageError('not-found', `${record.manifestDigest} is not complete in the store`);
  }
  const { manifest } = documents;
  const queue = [...manifest.layers, manifest.config];
  for (const { digest } of queue) if (!content.hasBlob(digest)) throw missing(digest);
  const worker = async () => {
    for (let next = queue.shift(); next; next = queue.shift()) {
      const path = content.blobPath(next.digest);
      await pusher.blob(target, { descriptor: next, open: () => createReadStream(path) });
    }
  };
  await Promise.all(Array.from({ length: concurrent }, worker));
  return pusher.manifest(target, bytes, manifest.mediaType ?? mediaTypes.ociManifest);
}

function missing(digest: string): ImageError {
  const hint = 'its layer came with another image, compressed otherwise';
  return new ImageError('not-found', `the blob ${digest} is not in the store; ${hint}`);
}
