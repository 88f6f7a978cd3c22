import {
  digestOf,
  hostPlatform,
  mediaTypes,
  parseReference,
  type Descriptor,
  type ImageConfig,
  type Platform,
  type PushLayer,
  Pusher,
  RegistryClient,
  type RegistryAuth,
  type RegistryConfig,
} from '@gantry/image';
import { gzipSync, zstdCompressSync } from 'node:zlib';
import { tar, type TarEntry } from './tar.js';

export type LayerCompression = 'gzip' | 'zstd' | 'none';

/** A layer from entries in memory, or from the bytes of an archive. */
export interface LayerSource {
  readonly entries?: readonly TarEntry[];
  readonly archive?: Uint8Array;
  /** Default: `gzip`. */
  readonly compression?: LayerCompression;
  /** The blob itself, for broken ones; `diffId` then says what it claims to unpack to. */
  readonly blob?: Uint8Array;
  readonly diffId?: string;
}

export interface BuiltLayer {
  readonly descriptor: Descriptor;
  readonly diffId: string;
  readonly blob: Uint8Array;
}

/** An image in memory, ready to be pushed. */
export interface BuiltImage {
  readonly manifest: Uint8Array;
  readonly mediaType: string;
  readonly digest: string;
  readonly config: Uint8Array;
  readonly configDescriptor: Descriptor;
  readonly layers: readonly BuiltLayer[];
  readonly platform: Platform;
}

export interface ImageSource {
  readonly layers: readonly LayerSource[];
  readonly config?: ImageConfig;
  /** Default: this machine's. */
  readonly platform?: Platform;
  /** Docker's media types in the place of OCI's. */
  readonly docker?: boolean;
}

const layerTypes: Record<LayerCompression, string> = {
  gzip: mediaTypes.ociLayerGzip,
  zstd: mediaTypes.ociLayerZstd,
  none: mediaTypes.ociLayer,
};

function compress(archive: Uint8Array, compression: LayerCompression): Uint8Array {
  if (compression === 'none') return archive;
  return compression === 'zstd' ? zstdCompressSync(archive) : gzipSync(archive, { level: 6 });
}

export function buildLayer(source: LayerSource, docker = false): BuiltLayer {
  const archive = source.archive ?? tar(source.entries ?? []);
  const compression = source.compression ?? 'gzip';
  const blob = source.blob ?? compress(archive, compression);
  const mediaType =
    docker && compression === 'gzip' ? mediaTypes.dockerLayerGzip : layerTypes[compression];
  return {
    descriptor: { mediaType, digest: digestOf(blob), size: blob.length },
    diffId: source.diffId ?? digestOf(archive),
    blob,
  };
}

/** Builds offline: files in, an image out. */
export function buildImage(source: ImageSource): BuiltImage {
  const { docker = false, platform = hostPlatform() } = source;
  const layers = source.layers.map((layer) => buildLayer(layer, docker));
  const config = json({
    created: '1970-01-01T00:00:00Z',
    ...platform,
    config: source.config ?? {},
    rootfs: { type: 'layers', diff_ids: layers.map((layer) => layer.diffId) },
    history: layers.map(() => ({ created_by: 'gantry test image' })),
  });
  const configType = docker ? mediaTypes.dockerConfig : mediaTypes.ociConfig;
  const configDescriptor = descriptorOf(configType, config);
  const mediaType = docker ? mediaTypes.dockerManifest : mediaTypes.ociManifest;
  const descriptors = layers.map((layer) => layer.descriptor);
  const manifest = json({
    schemaVersion: 2,
    mediaType,
    config: configDescriptor,
    layers: descriptors,
  });
  const digest = digestOf(manifest);
  return { manifest, mediaType, digest, config, configDescriptor, layers, platform };
}

function json(value: object): Uint8Array {
  return Buffer.from(JSON.stringify(value));
}

function descriptorOf(mediaType: string, bytes: Uint8Array): Descriptor {
  return { mediaType, digest: digestOf(bytes), size: bytes.length };
}

export interface PushOptions {
  readonly auth?: readonly RegistryAuth[];
  readonly registries?: RegistryConfig;
}

/** Pushes one image, or several platforms under one index; returns the digest that the name then has. */
export async function pushImage(
  reference: string,
  images: BuiltImage | readonly BuiltImage[],
  options: PushOptions = {},
): Promise<string> {
  const client = new RegistryClient(options.registries);
  try {
    const pusher = new Pusher(client, { auth: options.auth });
    return await push(pusher, reference, images);
  } finally {
    client.close();
  }
}

async function push(
  pusher: Pusher,
  reference: string,
  images: BuiltImage | readonly BuiltImage[],
): Promise<string> {
  const name = parseReference(reference);
  if (!Array.isArray(images)) {
    const image = images as BuiltImage;
    await pushContent(pusher, reference, image);
    return pusher.manifest(name, image.manifest, image.mediaType);
  }
  const manifests: Descriptor[] = [];
  for (const image of images as readonly BuiltImage[]) {
    await pushContent(pusher, reference, image);
    const untagged = { ...name, tag: undefined, digest: image.digest };
    await pusher.manifest(untagged, image.manifest, image.mediaType);
    manifests.push({ ...descriptorOf(image.mediaType, image.manifest), platform: image.platform });
  }
  const index = json({ schemaVersion: 2, mediaType: mediaTypes.ociIndex, manifests });
  return pusher.manifest(name, index, mediaTypes.ociIndex);
}

async function pushContent(pusher: Pusher, reference: string, image: BuiltImage): Promise<void> {
  const name = parseReference(reference);
  const blobs: PushLayer[] = [
    { descriptor: image.configDescriptor, open: () => image.config },
    ...image.layers.map(({ descriptor, blob }) => ({ descriptor, open: () => blob })),
  ];
  for (const blob of blobs) await pusher.blob(name, blob);
}
