import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { ImageError } from '../errors.js';
import { checkRunnable, digestOf, hexOf, maxConfigBytes, maxManifestBytes } from '../manifest.js';
import { parseConfig, parseManifest } from '../manifest.js';
import { mediaTypes } from '../media-types.js';
import { hostPlatform, selectPlatform } from '../platform.js';
import { type FileRange, fileSource } from '../pull/blob-source.js';
import type { LayerFetcher } from '../pull/layer-fetcher.js';
import { uniqueLayers, waitForLayers } from '../pull/wanted-layers.js';
import { formatReference, parseReference } from '../reference.js';
import type { ContentStore } from '../store/content-store.js';
import { type Compose, fixupFor } from '../store/fixup.js';
import type { ImageIndex as StoreIndex } from '../store/image-index.js';
import type { Descriptor, ImageIndex, ImageManifest } from '../types.js';
import { TarIndex } from './tar-index.js';

export interface LoadOptions {
  readonly content: ContentStore;
  readonly index: StoreIndex;
  readonly layers: LayerFetcher;
  readonly compose: Compose;
  /** The name for an archive that does not say one. */
  readonly name?: string;
  /** The one name that is wanted of it, in full; what else it holds is left out. */
  readonly only?: string;
  readonly signal: AbortSignal;
  /** Filled with all content before it is relied on; a collection spares it. */
  readonly needs: Set<string>;
}

/** An image as an archive holds it: its documents, and where its blobs lie. */
interface FoundImage {
  readonly names: readonly string[];
  readonly manifestBytes: Uint8Array;
  readonly configBytes: Uint8Array;
  readonly blobs: ReadonlyMap<string, FileRange>;
}

/** Loads every image of an OCI layout or docker-archive (tar) into the store; returns their names. */
export async function loadArchive(path: string, options: LoadOptions): Promise<string[]> {
  const archive = await TarIndex.read(path);
  const all = archive.find('index.json') ? await ociImages(archive) : await dockerImages(archive);
  const { only } = options;
  const found = only === undefined ? all : all.flatMap((image) => wanted(image, only));
  if (found.length === 0) throw refuse(path, `it holds no image${only ? ` ${only}` : ''}`);
  const loaded: string[] = [];
  for (const image of found) loaded.push(...(await loadImage(path, image, options)));
  return loaded;
}

function refuse(path: string, why: string): ImageError {
  return new ImageError('invalid-manifest', `cannot load ${path}: ${why}`);
}

/** The image under the name alone; a name by digest is for nothing but the content that it names. */
function wanted(image: FoundImage, only: string): FoundImage[] {
  const isNamed = image.names.some((name) => formatReference(parseReference(name)) === only);
  const { digest } = parseReference(only);
  const isOther = digest !== undefined && digest !== digestOf(image.manifestBytes);
  return isNamed && !isOther ? [{ ...image, names: [only] }] : [];
}

async function need(archive: TarIndex, name: string, maxBytes: number): Promise<Buffer> {
  const bytes = await archive.bytes(name, maxBytes);
  if (!bytes)
    throw refuse(archive.path, `${name} is missing; is it an OCI layout or docker-archive?`);
  return bytes;
}

/** A blob of a layout, verified. */
async function blob(archive: TarIndex, { digest }: Descriptor, maxBytes: number): Promise<Buffer> {
  const bytes = await need(archive, `blobs/sha256/${hexOf(digest)}`, maxBytes);
  if (digestOf(bytes) === digest) return bytes;
  throw new ImageError(
    'digest-mismatch',
    `cannot load ${archive.path}: ${digest} has other content`,
  );
}

async function ociImages(archive: TarIndex): Promise<FoundImage[]> {
  const top = parseManifest(archive.path, await need(archive, 'index.json', maxManifestBytes));
  if (!('index' in top)) throw refuse(archive.path, 'index.json is no index');
  const images: FoundImage[] = [];
  for (const descriptor of top.index.manifests) {
    images.push(await ociImage(archive, descriptor, namesIn(descriptor)));
  }
  return images;
}

async function ociImage(
  archive: TarIndex,
  descriptor: Descriptor,
  names: readonly string[],
): Promise<FoundImage> {
  const manifestBytes = await blob(archive, descriptor, maxManifestBytes);
  const parsed = parseManifest(descriptor.digest, manifestBytes, descriptor.mediaType);
  if ('index' in parsed) return ociImage(archive, chosen(archive, parsed.index), names);
  const configBytes = await blob(archive, parsed.manifest.config, maxConfigBytes);
  const blobs = new Map<string, FileRange>();
  for (const { digest } of parsed.manifest.layers) {
    const range = archive.find(`blobs/sha256/${hexOf(digest)}`);
    if (range) blobs.set(digest, range);
  }
  return { names, manifestBytes, configBytes, blobs };
}

function chosen(archive: TarIndex, index: ImageIndex): Descriptor {
  const descriptor = selectPlatform(archive.path, index, hostPlatform());
  if (descriptor.mediaType !== mediaTypes.ociIndex) return descriptor;
  throw refuse(archive.path, 'it has an index within an index');
}

function namesIn({ annotations = {} }: Descriptor): string[] {
  const full = annotations['io.containerd.image.name'];
  const ref = annotations['org.opencontainers.image.ref.name'];
  if (full) return [full];
  // The annotation may be a mere tag, which names nothing by itself.
  return ref && /[/:]/.test(ref) ? [ref] : [];
}

interface DockerManifest {
  readonly Config: string;
  readonly RepoTags?: readonly string[] | null;
  readonly Layers: readonly string[];
}

async function dockerImages(archive: TarIndex): Promise<FoundImage[]> {
  const bytes = await need(archive, 'manifest.json', maxManifestBytes);
  const list = JSON.parse(bytes.toString('utf8')) as DockerManifest[];
  if (!Array.isArray(list)) throw refuse(archive.path, 'manifest.json is no list');
  const images: FoundImage[] = [];
  for (const entry of list) images.push(await dockerImage(archive, entry));
  return images;
}

/** Such an archive has no manifest, so it gets one: its layers are named by what they are found to be. */
async function dockerImage(archive: TarIndex, entry: DockerManifest): Promise<FoundImage> {
  if (typeof entry.Config !== 'string' || !Array.isArray(entry.Layers)) {
    throw refuse(archive.path, 'manifest.json names no configuration or layers');
  }
  const configBytes = await need(archive, entry.Config, maxConfigBytes);
  const blobs = new Map<string, FileRange>();
  const layers: Descriptor[] = [];
  for (const name of entry.Layers) {
    const range = archive.find(name);
    if (!range) throw refuse(archive.path, `the layer ${name} is missing`);
    const digest = await digestOfRange(range);
    blobs.set(digest, range);
    layers.push({ mediaType: mediaTypes.ociLayer, digest, size: range.size });
  }
  const digest = digestOf(configBytes);
  const config = { mediaType: mediaTypes.ociConfig, digest, size: configBytes.length };
  const manifest = { schemaVersion: 2, mediaType: mediaTypes.ociManifest, config, layers };
  const manifestBytes = Buffer.from(JSON.stringify(manifest));
  return { names: entry.RepoTags ?? [], manifestBytes, configBytes, blobs };
}

async function digestOfRange({ path, start, size }: FileRange): Promise<string> {
  const hash = createHash('sha256');
  const stream = createReadStream(path, { start, end: start + size - 1 });
  if (size > 0) for await (const chunk of stream as AsyncIterable<Buffer>) hash.update(chunk);
  return `sha256:${hash.digest('hex')}`;
}

async function loadImage(path: string, image: FoundImage, options: LoadOptions): Promise<string[]> {
  const { content, index, needs } = options;
  const names = chooseNames(path, image, options.name);
  const parsed = parseManifest(path, image.manifestBytes);
  if ('index' in parsed) throw refuse(path, 'an index stands where a manifest belongs');
  const { manifest } = parsed;
  checkRunnable(path, manifest);
  const config = parseConfig(path, image.configBytes, manifest);
  const manifestDigest = digestOf(image.manifestBytes);
  needs.add(manifestDigest).add(manifest.config.digest);
  await unpack(image, manifest, config.rootfs.diff_ids, options);
  await content.putBlob(image.manifestBytes);
  await content.putBlob(image.configBytes);
  const fixup = await fixupFor(content, config.rootfs.diff_ids, options.compose);
  if (fixup) needs.add(fixup);
  for (const name of names) {
    await index.put(name, {
      manifestDigest,
      targetDigest: manifestDigest,
      imageId: manifest.config.digest,
      fixup,
      pulledAtMs: Date.now(),
      lastUsedAtMs: Date.now(),
    });
  }
  return names;
}

function chooseNames(path: string, image: FoundImage, given: string | undefined): string[] {
  const names = image.names.length > 0 ? image.names : given === undefined ? [] : [given];
  if (names.length > 0) return names.map((name) => formatReference(parseReference(name)));
  throw new ImageError(
    'invalid-reference',
    `${path} does not say what its image is called; give a name`,
  );
}

async function unpack(
  image: FoundImage,
  manifest: ImageManifest,
  diffIds: readonly string[],
  { content, layers, signal, needs }: LoadOptions,
): Promise<void> {
  const source = fileSource(image.blobs);
  const all = uniqueLayers(manifest, diffIds);
  for (const { descriptor, diffId } of all) needs.add(descriptor.digest).add(diffId);
  const missing = all.filter(({ diffId }) => !content.hasLayer(diffId));
  await waitForLayers(
    missing.map((layer) => layers.fetch(layer, source)),
    signal,
  );
}
