import { ImageError } from '../errors.js';
import type { LayerFetcher } from '../pull/layer-fetcher.js';
import { formatReference, isDigest, parseReference } from '../reference.js';
import { type ContentStore, layerDiskBytes } from '../store/content-store.js';
import type { Compose } from '../store/fixup.js';
import type { ImageIndex, ImageRecord } from '../store/image-index.js';
import { readDocuments, type ImageDocuments } from '../store/images.js';
import type { ImageConfig, Platform } from '../types.js';
import { importRootfs } from './import.js';

/** What an administrator sees of one image of a node. */
export interface ImageSummary {
  /** All its names; none when a later image has taken the last one over. */
  readonly names: readonly string[];
  /** Digest of what the name was resolved to, and of the image's configuration. */
  readonly digest: string;
  readonly imageId: string;
  /** Bytes of its compressed layers and of what they unpack to (or of the image files that they are
   * kept as), shared ones included. */
  readonly sizeBytes: number;
  readonly unpackedBytes: number;
  readonly layers: number;
  readonly platform: Platform;
  readonly createdAt?: string;
  readonly pulledAtMs: number;
  readonly lastUsedAtMs: number;
  readonly pinned: boolean;
}

export interface RemovedImage {
  /** Names that are no more. */
  readonly untagged: readonly string[];
  /** Digest of the image itself, when its last name went. */
  readonly deleted?: string;
}

export interface ImportOptions {
  readonly name: string;
  readonly config?: ImageConfig;
  readonly signal?: AbortSignal;
}

/** The parts of a store that its administration works with. */
export interface AdministrationParts {
  readonly content: ContentStore;
  readonly index: ImageIndex;
  readonly layers: LayerFetcher;
  readonly compose: Compose;
  /** Resolves once the store can be used. */
  readonly ready: () => Promise<void>;
  /** The pulls that run, with all content that each needs. */
  readonly pulling: () => readonly { reference: string; needs: ReadonlySet<string> }[];
  /** Keeps the content that `work` names from being collected while it runs. */
  readonly holding: <T>(work: (needs: Set<string>) => Promise<T>) => Promise<T>;
}

/** What people do with the images of a node, besides pulling and loading them. */
export class ImageAdministration {
  /** By manifest. */
  private sizeOf = new Map<string, number>();

  constructor(private readonly parts: AdministrationParts) {}

  /** All complete images, the most recently used first. */
  async list(): Promise<ImageSummary[]> {
    await this.parts.ready();
    const { index } = this.parts;
    const found = await Promise.all(index.allImages().map((record) => this.summary(record)));
    return found
      .filter((one) => one !== undefined)
      .toSorted((a, b) => b.lastUsedAtMs - a.lastUsedAtMs);
  }

  /** Names and sizes alone, for who asks often: an image is read once, since it never changes. */
  async sizes(): Promise<Pick<ImageSummary, 'names' | 'digest' | 'sizeBytes'>[]> {
    await this.parts.ready();
    const { content, index } = this.parts;
    const known = this.sizeOf;
    this.sizeOf = new Map();
    const found: Pick<ImageSummary, 'names' | 'digest' | 'sizeBytes'>[] = [];
    for (const record of index.allImages()) {
      const { targetDigest: digest, manifestDigest: key } = record;
      let sizeBytes = known.get(key);
      if (sizeBytes === undefined) {
        const documents = await readDocuments(content, record);
        if (!documents) continue;
        sizeBytes = sizeOf(documents);
      }
      this.sizeOf.set(key, sizeBytes);
      found.push({ names: index.namesOf(record).toSorted(), digest, sizeBytes });
    }
    return found;
  }

  /**
   * Takes a name away, or (by digest or image ID) the whole image; the image goes with its last name. Throws
   * `not-found`, or `refused` when the image is pinned, or `usedBy` tells of somebody who needs what would go.
   */
  async remove(
    text: string,
    usedBy: (keys: readonly string[]) => string | undefined,
  ): Promise<RemovedImage> {
    await this.parts.ready();
    const { index } = this.parts;
    const name = isDigest(text) ? text : formatReference(parseReference(text));
    const record = index.find(name);
    if (!record) throw new ImageError('not-found', `${text} is not on this node`);
    const names = index.namesOf(record);
    // Its names are a part of a bundle: pods ask by them.
    if (record.pinned) {
      const hint = `unpin it first: gantry image unpin ${text}`;
      throw new ImageError('refused', `${text} is pinned, so that it is kept; ${hint}`);
    }
    if (names.length > 1 && names.includes(name)) {
      await index.removeName(name);
      return { untagged: [name] };
    }
    const keys = [record.manifestDigest, record.targetDigest, record.imageId, ...names];
    const user = usedBy(keys);
    if (user !== undefined) {
      const hint = 'delete what uses it first';
      throw new ImageError('refused', `${text} is in use by ${user}; ${hint}`);
    }
    await index.removeImages([record]);
    return { untagged: names, deleted: record.targetDigest };
  }

  /** Makes an image of one layer from a tar archive (plain, gzip or zstd); returns its digest. */
  async importRootfs(path: string, options: ImportOptions): Promise<string> {
    const { ready, holding, content, index, layers, compose } = this.parts;
    await ready();
    return holding((needs) =>
      importRootfs(path, { ...options, content, index, layers, compose, needs }),
    );
  }

  /** Digests of all blobs that are here and whole. */
  async blobs(): Promise<string[]> {
    await this.parts.ready();
    return this.parts.content.blobDigests();
  }

  /** Whether the blob is here and whole. */
  async hasBlob(digest: string): Promise<boolean> {
    await this.parts.ready();
    return isDigest(digest) && this.parts.content.hasBlob(digest);
  }

  /**
   * Where the blob lies, if an image of the repository that `image` names has it, be it stored or on its way: whoever
   * may pull from a repository may have all of its blobs, as a registry has it too.
   */
  async blobPath(image: string, digest: string): Promise<string | undefined> {
    await this.parts.ready();
    const { content, index, pulling } = this.parts;
    if (!isDigest(digest) || !content.hasBlob(digest)) return undefined;
    const repository = repositoryOf(image);
    const isOwn = (name: string) => repositoryOf(name) === repository;
    const path = content.blobPath(digest);
    if (pulling().some(({ reference, needs }) => isOwn(reference) && needs.has(digest)))
      return path;
    for (const { name, image: record } of index.entries()) {
      if (!isOwn(name)) continue;
      const documents = await readDocuments(content, record);
      const layers = documents?.manifest.layers ?? [];
      if (layers.some((layer) => layer.digest === digest)) return path;
    }
    return undefined;
  }

  private async summary(record: ImageRecord): Promise<ImageSummary | undefined> {
    const { content, index } = this.parts;
    const documents = await readDocuments(content, record);
    if (!documents) return undefined;
    const { manifest, config } = documents;
    const ids = [...new Set(config.rootfs.diff_ids)];
    const layers = await Promise.all(ids.map((diffId) => content.layerRecord(diffId)));
    if (!layers.every((layer) => layer !== undefined)) return undefined;
    const { os, architecture, variant, created } = config;
    return {
      names: index.namesOf(record).toSorted(),
      digest: record.targetDigest,
      imageId: record.imageId,
      sizeBytes: sizeOf(documents),
      unpackedBytes: layers.reduce((sum, layer) => sum + layerDiskBytes(layer), 0),
      layers: manifest.layers.length,
      platform: { os, architecture, ...(variant && { variant }) },
      ...(created && { createdAt: created }),
      pulledAtMs: record.pulledAtMs,
      lastUsedAtMs: record.lastUsedAtMs,
      pinned: record.pinned ?? false,
    };
  }
}

/** Compressed, as a registry sends it. */
function sizeOf(documents: ImageDocuments): number {
  const { layers, config } = documents.manifest;
  return layers.reduce((sum, { size }) => sum + size, config.size);
}

function repositoryOf(name: string): string {
  const { registry, repository } = parseReference(name);
  return `${registry}/${repository}`;
}
