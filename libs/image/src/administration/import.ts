import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { open } from 'node:fs/promises';
import { pipeline } from 'node:stream/promises';
import type { Readable, Transform } from 'node:stream';
import { createGunzip, createZstdDecompress } from 'node:zlib';
import { ImageError } from '../errors.js';
import { digestOf } from '../manifest.js';
import { mediaTypes } from '../media-types.js';
import { hostPlatform } from '../platform.js';
import { fileSource } from '../pull/blob-source.js';
import { waitForLayers } from '../pull/wanted-layers.js';
import { formatReference, parseReference } from '../reference.js';
import { fixupFor } from '../store/fixup.js';
import type { ImageConfigFile } from '../types.js';
import type { AdministrationParts, ImportOptions } from './administration.js';

/** Most bytes that an archive may unpack to while its diffID is taken; the applier has its own bounds. */
const maxUnpackedBytes = 2 ** 40;

type ImportTask = ImportOptions &
  Pick<AdministrationParts, 'content' | 'index' | 'layers' | 'compose'> & {
    readonly needs: Set<string>;
  };

interface Compression {
  readonly mediaType: string;
  readonly unpack?: () => Transform;
}

async function compressionOf(path: string): Promise<Compression> {
  const file = await open(path, 'r');
  try {
    const { buffer, bytesRead } = await file.read(Buffer.alloc(4), 0, 4, 0);
    if (bytesRead === 0) throw new ImageError('invalid-manifest', 'the archive is empty');
    const start = buffer.toString('hex', 0, bytesRead);
    if (start.startsWith('1f8b')) {
      return { mediaType: mediaTypes.ociLayerGzip, unpack: () => createGunzip() };
    }
    if (start === '28b52ffd') {
      return { mediaType: mediaTypes.ociLayerZstd, unpack: () => createZstdDecompress() };
    }
    return { mediaType: mediaTypes.ociLayer };
  } finally {
    await file.close();
  }
}

async function hashOf(stream: Readable, unpack: Transform | undefined, signal: AbortSignal) {
  const hash = createHash('sha256');
  let size = 0;
  const take = async (chunks: AsyncIterable<Buffer>) => {
    for await (const chunk of chunks) {
      size += chunk.length;
      if (size > maxUnpackedBytes) throw new ImageError('refused', 'the archive is a bomb');
      hash.update(chunk);
    }
  };
  try {
    if (unpack) await pipeline(stream, unpack, take, { signal });
    else await pipeline(stream, take, { signal });
  } catch (cause) {
    if (signal.aborted || cause instanceof ImageError) throw cause;
    const why = (cause as Error).message;
    throw new ImageError('invalid-manifest', `the archive cannot be read: ${why}`, { cause });
  }
  return { digest: `sha256:${hash.digest('hex')}`, size };
}

/** Makes an image of one layer from a tar archive; returns the digest of its manifest. */
export async function importRootfs(path: string, task: ImportTask): Promise<string> {
  const { content, index, layers, compose, needs, config = {} } = task;
  const signal = task.signal ?? new AbortController().signal;
  const name = formatReference(parseReference(task.name));
  const { mediaType, unpack } = await compressionOf(path);
  const blob = await hashOf(createReadStream(path), undefined, signal);
  const diffId = unpack
    ? (await hashOf(createReadStream(path), unpack(), signal)).digest
    : blob.digest;
  const descriptor = { mediaType, ...blob };
  needs.add(blob.digest).add(diffId);
  if (!content.hasLayer(diffId)) {
    const source = fileSource(new Map([[blob.digest, { path, start: 0, size: blob.size }]]));
    await waitForLayers([layers.fetch({ descriptor, diffId }, source)], signal);
  }
  const configBytes = Buffer.from(JSON.stringify(configFile(diffId, config)));
  const manifest = {
    schemaVersion: 2,
    mediaType: mediaTypes.ociManifest,
    config: {
      mediaType: mediaTypes.ociConfig,
      digest: digestOf(configBytes),
      size: configBytes.length,
    },
    layers: [descriptor],
  };
  const manifestBytes = Buffer.from(JSON.stringify(manifest));
  const digest = digestOf(manifestBytes);
  needs.add(digest).add(manifest.config.digest);
  await content.putBlob(manifestBytes);
  await content.putBlob(configBytes);
  const fixup = await fixupFor(content, [diffId], compose);
  const now = { pulledAtMs: Date.now(), lastUsedAtMs: Date.now() };
  const digests = { manifestDigest: digest, targetDigest: digest, imageId: manifest.config.digest };
  await index.put(name, { ...digests, ...now, fixup });
  return digest;
}

function configFile(diffId: string, config: ImportOptions['config']): ImageConfigFile {
  const created = new Date().toISOString();
  return {
    created,
    ...hostPlatform(),
    config,
    rootfs: { type: 'layers', diff_ids: [diffId] },
    history: [{ created, created_by: 'gantry image import' }],
  };
}
