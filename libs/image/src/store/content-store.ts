import { existsSync, renameSync } from 'node:fs';
import { readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { digestOf, hexOf } from '../manifest.js';
import { hasErrno, makeDirectory, storeError, writeDurably } from './files.js';

/** What gantry-layers wrote beside an unpacked layer. */
export interface LayerRecord {
  /** Digest and size in bytes of the blob that it came from. */
  readonly digest: string;
  readonly diffId: string;
  readonly size: number;
  readonly entries: number;
  /** Bytes of its files, holes included. */
  readonly unpackedBytes: number;
  /** Size of the EROFS image that it is kept as; absent: it is unpacked. */
  readonly erofsBytes?: number;
  /** Why it is unpacked although it was to be an image. */
  readonly erofsFault?: string;
  readonly xattrsDropped: number;
  /** Nothing of the layers below shows through. */
  readonly opaqueRoot: boolean;
  readonly implicitDirs: readonly string[];
}

/** What the layer takes on the disk besides its blob. */
export const layerDiskBytes = ({ erofsBytes, unpackedBytes }: LayerRecord): number =>
  erofsBytes ?? unpackedBytes;

/** Content by digest: blobs, and layers by diffID. What is at its place is whole; gantry-layers keeps that too. */
export class ContentStore {
  private readonly records = new Map<string, LayerRecord>();

  constructor(readonly dir: string) {}

  async open(): Promise<void> {
    await makeDirectory(this.dir);
    for (const part of ['blobs/sha256', 'layers/sha256', 'fixups', 'ingest', 'trash', 'unsynced']) {
      await makeDirectory(join(this.dir, part));
    }
  }

  blobPath(digest: string): string {
    return join(this.dir, 'blobs/sha256', hexOf(digest));
  }

  layerPath(diffId: string): string {
    return join(this.dir, 'layers/sha256', hexOf(diffId));
  }

  layerDir(diffId: string): string {
    return join(this.layerPath(diffId), 'fs');
  }

  /** Directories that the layers only imply, as they should look: made by gantry-layers for one chain of layers. */
  fixupPath(name: string): string {
    return join(this.dir, 'fixups', name);
  }

  hasFixup(name: string): boolean {
    return existsSync(this.fixupPath(name));
  }

  hasBlob(digest: string): boolean {
    return existsSync(this.blobPath(digest));
  }

  hasLayer(diffId: string): boolean {
    return existsSync(this.layerPath(diffId));
  }

  /** Bytes that an interrupted download of the blob has saved. */
  async partialBytes(digest: string): Promise<number> {
    try {
      return (await stat(join(this.dir, 'ingest', hexOf(digest), 'blob'))).size;
    } catch (error) {
      if (hasErrno(error, 'ENOENT')) return 0;
      throw storeError('look for a partial download', error);
    }
  }

  /** Keeps a small blob (manifest, index, configuration) under its digest. */
  async putBlob(bytes: Uint8Array): Promise<string> {
    const digest = digestOf(bytes);
    if (!this.hasBlob(digest)) await writeDurably(this.blobPath(digest), bytes);
    return digest;
  }

  /** A small blob, or undefined when it is absent or not what its name says. */
  async smallBlob(digest: string): Promise<Buffer | undefined> {
    try {
      const bytes = await readFile(this.blobPath(digest));
      return digestOf(bytes) === digest ? bytes : undefined;
    } catch (error) {
      if (hasErrno(error, 'ENOENT')) return undefined;
      throw storeError(`read ${digest}`, error);
    }
  }

  async layerRecord(diffId: string): Promise<LayerRecord | undefined> {
    const known = this.records.get(diffId);
    if (known) return known;
    try {
      const text = await readFile(join(this.layerPath(diffId), 'layer.json'), 'utf8');
      const record = JSON.parse(text) as LayerRecord;
      this.records.set(diffId, record);
      return record;
    } catch (error) {
      if (hasErrno(error, 'ENOENT')) return undefined;
      throw storeError(`read the record of layer ${diffId}`, error);
    }
  }

  async blobDigests(): Promise<string[]> {
    return (await readdir(join(this.dir, 'blobs/sha256')))
      .filter((name) => !name.startsWith('.'))
      .map((hex) => `sha256:${hex}`);
  }

  async fixups(): Promise<string[]> {
    // A dot is in the name of those that are being made.
    return (await readdir(join(this.dir, 'fixups'))).filter((name) => !name.includes('.'));
  }

  async diffIds(): Promise<string[]> {
    return (await readdir(join(this.dir, 'layers/sha256'))).map((hex) => `sha256:${hex}`);
  }

  /**
   * Moves content out of sight; the sweep removes it. Missing is fine. It happens within the call, so that what the
   * caller has checked just before still holds.
   */
  discard(kind: 'blob' | 'layer' | 'fixup', name: string): boolean {
    this.records.delete(name);
    try {
      const trash = join(this.dir, 'trash', `${kind}-${name.replace(':', '-')}-${Date.now()}`);
      renameSync(this.place(kind, name), trash);
      return true;
    } catch (error) {
      if (hasErrno(error, 'ENOENT')) return false;
      throw storeError(`discard ${name}`, error);
    }
  }

  private place(kind: 'blob' | 'layer' | 'fixup', name: string): string {
    if (kind === 'fixup') return this.fixupPath(name);
    return kind === 'blob' ? this.blobPath(name) : this.layerPath(name);
  }
}
