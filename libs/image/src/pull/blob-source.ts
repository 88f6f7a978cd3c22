import { createReadStream } from 'node:fs';
import type { Readable } from 'node:stream';
import { ImageError } from '../errors.js';
import type { Reference } from '../reference.js';
import type { RegistryClient, RequestOptions } from '../registry/registry-client.js';
import type { Descriptor, RegistryAuth } from '../types.js';
import type { BlobFeed } from './blob-feed.js';

type SourceOptions = Pick<RequestOptions, 'signal' | 'onWait'>;

/** Where the bytes of blobs come from; they are the caller's to verify. */
export interface BlobSource {
  /**
   * Has the feed take the bytes from its position on, without their passing through this process; resolves when no more
   * come. Preferred to `open` where there is both.
   */
  send?(descriptor: Descriptor, feed: BlobFeed, options: SourceOptions): Promise<void>;
  /** A stream that starts at `offset` in the blob, or earlier: the answer says where. */
  open(
    descriptor: Descriptor,
    offset: number,
    options: SourceOptions,
  ): Promise<{ stream: Readable; offset: number }>;
  /** What came of the blob was not what its digest says: those who gave it are not to be asked again. */
  distrust?(descriptor: Descriptor): void;
  /** Nothing more will be asked for: the blob is in the store, or this job has failed. */
  settled?(descriptor: Descriptor, present: boolean): void;
}

/** Puts other places before a registry, such as nodes that have the blobs already. */
export interface BlobPeers {
  /** A source for the blobs of the image (its full name) that turns to the registry at last. */
  around(image: string, registry: BlobSource): BlobSource;
}

export function registrySource(
  client: RegistryClient,
  reference: Reference,
  auth: readonly RegistryAuth[],
): BlobSource {
  return {
    send: (descriptor, feed, options) =>
      client.download(reference, descriptor, feed, { ...options, auth }),
    open: (descriptor, offset, options) =>
      client.blob(reference, descriptor, offset, { ...options, auth }),
  };
}

/** A part of a file, e.g. of an archive. */
export interface FileRange {
  readonly path: string;
  readonly start: number;
  readonly size: number;
}

/** Blobs in files by digest. */
export function fileSource(ranges: ReadonlyMap<string, FileRange>): BlobSource {
  const find = (digest: string): FileRange => {
    const range = ranges.get(digest);
    if (range) return range;
    throw new ImageError('not-found', `${digest} is not in the archive`);
  };
  return {
    send: ({ digest }, feed, { signal }) => feed.file(find(digest), signal),
    async open({ digest }, offset, { signal }) {
      const { path, start, size } = find(digest);
      const end = start + size - 1;
      return { stream: createReadStream(path, { start: start + offset, end, signal }), offset };
    },
  };
}
