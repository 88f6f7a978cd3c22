import { createReadStream } from 'node:fs';
import { pipeline, Transform } from 'node:stream';
import { ImageError } from '../errors.js';
import type { Reference } from '../reference.js';
import type { Pusher } from '../registry/pusher.js';
import type { ContentStore } from '../store/content-store.js';
import type { ImageRecord } from '../store/image-index.js';
import { readDocuments } from '../store/images.js';
import { mediaTypes } from '../media-types.js';

/** How far a push is; what the registry has already counts as done. */
export interface PushProgress {
  readonly phase: 'pushing';
  readonly bytesTotal: number;
  readonly bytesDone: number;
  readonly layersTotal: number;
  readonly layersDone: number;
}

/** Most layers that are sent at once. */
const concurrent = 3;

export interface PushTask {
  readonly target: Reference;
  /** A repository of the same registry that most likely has the image's blobs: nothing is sent then. */
  readonly mountFrom?: string;
  readonly onProgress?: (progress: PushProgress) => void;
}

/** Pushes a stored image (this platform's part of it) under the name; returns the digest it has there. */
export async function pushStored(
  content: ContentStore,
  record: ImageRecord,
  pusher: Pusher,
  { target, mountFrom, onProgress = () => {} }: PushTask,
): Promise<string> {
  const documents = await readDocuments(content, record);
  const bytes = await content.smallBlob(record.manifestDigest);
  if (!documents || !bytes) {
    throw new ImageError('not-found', `${record.manifestDigest} is not complete in the store`);
  }
  const { manifest } = documents;
  const queue = [...manifest.layers, manifest.config];
  for (const { digest } of queue) if (!content.hasBlob(digest)) throw missing(digest);
  const layersTotal = queue.length;
  const bytesTotal = queue.reduce((sum, { size }) => sum + size, 0);
  const sent = new Map<string, number>();
  let layersDone = 0;
  const tell = () => {
    const bytesDone = [...sent.values()].reduce((sum, bytes) => sum + bytes, 0);
    onProgress({ phase: 'pushing', bytesTotal, bytesDone, layersTotal, layersDone });
  };
  const worker = async () => {
    for (let next = queue.shift(); next; next = queue.shift()) {
      const { digest, size } = next;
      const onBytes = (bytes: number) => {
        sent.set(digest, bytes);
        tell();
      };
      const open = () => countedFile(content.blobPath(digest), onBytes);
      await pusher.blob(target, { descriptor: next, open, mountFrom });
      layersDone += 1;
      onBytes(size);
    }
  };
  await Promise.all(Array.from({ length: concurrent }, worker));
  return pusher.manifest(target, bytes, manifest.mediaType ?? mediaTypes.ociManifest);
}

function countedFile(path: string, onBytes: (bytes: number) => void): Transform {
  let bytes = 0;
  const counter = new Transform({
    transform(chunk: Buffer, _, done) {
      bytes += chunk.length;
      onBytes(bytes);
      done(null, chunk);
    },
  });
  // An error of the file ends the counter with it, which is where it is looked for.
  pipeline(createReadStream(path), counter, () => {});
  return counter;
}

function missing(digest: string): ImageError {
  const hint = 'its layer came with another image, compressed otherwise';
  return new ImageError('not-found', `the blob ${digest} is not in the store; ${hint}`);
}
