import { createReadStream } from 'node:fs';
import type { Readable } from 'node:stream';
import { ImageError } from '../errors.js';
import type { Reference } from '../reference.js';
import type { RegistryClient, RequestOptions } from '../registry/registry-client.js';
import type { Descriptor, RegistryAuth } from '../types.js';

/** Where the bytes of blobs come from; they are the caller's to verify. */
export interface BlobSource {
  /** A stream that starts at `offset` in the blob, or earlier: the answer says where. */
  open(
    descriptor: Descriptor,
    offset: number,
    options: Pick<RequestOptions, 'signal' | 'onWait'>,
  ): Promise<{ stream: Readable; offset: number }>;
}

export function registrySource(
  client: RegistryClient,
  reference: Reference,
  auth: readonly RegistryAuth[],
): BlobSource {
  return {
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
  return {
    async open({ digest }, offset, { signal }) {
      const range = ranges.get(digest);
      if (!range) throw new ImageError('not-found', `${digest} is not in the archive`);
      const { path, start, size } = range;
      const end = start + size - 1;
      return { stream: createReadStream(path, { start: start + offset, end, signal }), offset };
    },
  };
}
