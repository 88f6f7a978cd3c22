import { createHash } from 'node:crypto';
import { ImageError } from './errors.js';
import { isIndexType, isLayerType, isManifestType } from './media-types.js';
import { isDigest } from './reference.js';
import type { Descriptor, ImageConfigFile, ImageIndex, ImageManifest } from './types.js';

/** Most bytes of a manifest or index, and of an image configuration. */
export const maxManifestBytes = 4 << 20;
export const maxConfigBytes = 8 << 20;
/** Most layers of an image; overlayfs takes 500 lowers. */
const maxLayers = 500;
const maxIndexEntries = 1000;

export function digestOf(bytes: Uint8Array): string {
  return `sha256:${createHash('sha256').update(bytes).digest('hex')}`;
}

/** The 64 digits of a checked `sha256:HEX`. */
export function hexOf(digest: string): string {
  if (!isDigest(digest)) throw new TypeError(`${digest} is no sha256 digest`);
  return digest.slice('sha256:'.length);
}

function refuse(what: string, why: string, cause?: unknown): ImageError {
  return new ImageError('invalid-manifest', `${what} is not valid: ${why}`, { cause });
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function parseObject(what: string, bytes: Uint8Array): Record<string, unknown> {
  let value: unknown;
  try {
    value = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
  } catch (cause) {
    throw refuse(what, 'it is no JSON', cause);
  }
  if (!isObject(value)) throw refuse(what, 'it is no JSON object');
  return value;
}

function checkDescriptor(what: string, value: unknown): Descriptor {
  if (!isObject(value)) throw refuse(what, 'a descriptor is missing');
  const { mediaType, digest, size } = value;
  if (typeof mediaType !== 'string') throw refuse(what, 'a descriptor has no mediaType');
  if (typeof digest !== 'string' || !isDigest(digest)) {
    throw refuse(what, `the digest ${JSON.stringify(digest)} is not a sha256 digest`);
  }
  if (typeof size !== 'number' || !Number.isSafeInteger(size) || size < 0) {
    throw refuse(what, `the size of ${digest} is not a number of bytes`);
  }
  return value as unknown as Descriptor;
}

/**
 * Decides by the document's own mediaType, then the transport's, then its shape, as the specification allows
 * the field to be missing; throws ImageError `invalid-manifest` naming `what`.
 */
export function parseManifest(
  what: string,
  bytes: Uint8Array,
  contentType?: string,
): { index: ImageIndex } | { manifest: ImageManifest } {
  const value = parseObject(what, bytes);
  if (value['schemaVersion'] === 1) {
    throw refuse(
      what,
      'it is in the old Docker schema 1; push the image again with a current tool',
    );
  }
  if (value['schemaVersion'] !== 2) throw refuse(what, 'schemaVersion is not 2');
  const type = typeof value['mediaType'] === 'string' ? value['mediaType'] : contentType;
  const known = type !== undefined && (isIndexType(type) || isManifestType(type));
  const isIndex = known ? isIndexType(type) : Array.isArray(value['manifests']);
  // A document that could be read both ways would be two images under one digest.
  if ('manifests' in value && ('layers' in value || 'config' in value)) {
    throw refuse(what, 'it is an index and a manifest at once');
  }
  return isIndex ? { index: checkIndex(what, value) } : { manifest: checkManifest(what, value) };
}

function checkIndex(what: string, value: Record<string, unknown>): ImageIndex {
  const entries = value['manifests'];
  if (!Array.isArray(entries)) throw refuse(what, 'the index has no manifests');
  if (entries.length > maxIndexEntries) throw refuse(what, 'the index has too many manifests');
  for (const entry of entries) {
    checkPlatform(what, (checkDescriptor(what, entry) as { platform?: unknown }).platform);
  }
  return value as unknown as ImageIndex;
}

function checkPlatform(what: string, platform: unknown): void {
  if (platform === undefined || platform === null) return;
  if (!isObject(platform)) throw refuse(what, 'a platform is no object');
  for (const field of ['os', 'architecture', 'variant']) {
    if (typeof (platform[field] ?? '') !== 'string') {
      throw refuse(what, `the ${field} of a platform is not a string`);
    }
  }
}

function checkManifest(what: string, value: Record<string, unknown>): ImageManifest {
  const config = checkDescriptor(what, value['config']);
  if (config.size > maxConfigBytes) throw refuse(what, 'the configuration is too large');
  const layers = value['layers'];
  if (!Array.isArray(layers)) throw refuse(what, 'it has no layers');
  if (layers.length > maxLayers) throw refuse(what, `it has more than ${maxLayers} layers`);
  for (const layer of layers) checkDescriptor(what, layer);
  return value as unknown as ImageManifest;
}

/** Refuses artifacts that are no container image; push and copy do not ask for this. */
export function checkRunnable(what: string, manifest: ImageManifest): void {
  const odd = manifest.layers.find((layer) => !isLayerType(layer.mediaType));
  if (odd === undefined) return;
  throw refuse(
    what,
    `the layer type ${odd.mediaType} cannot be unpacked; is it a container image?`,
  );
}

/** Checks what is used of it: the diffIDs and the types of the fields a container starts with. */
export function parseConfig(
  what: string,
  bytes: Uint8Array,
  manifest: ImageManifest,
): ImageConfigFile {
  const value = parseObject(what, bytes);
  const rootfs = value['rootfs'];
  const diffIds = isObject(rootfs) ? rootfs['diff_ids'] : undefined;
  if (!Array.isArray(diffIds) || !diffIds.every((id) => typeof id === 'string' && isDigest(id))) {
    throw refuse(what, 'the configuration has no rootfs.diff_ids; is it a container image?');
  }
  if (diffIds.length !== manifest.layers.length) {
    throw refuse(what, `${manifest.layers.length} layers have ${diffIds.length} diffIDs`);
  }
  checkConfigSection(what, value['config']);
  return value as unknown as ImageConfigFile;
}

function checkConfigSection(what: string, config: unknown): void {
  if (config === undefined || config === null) return;
  if (!isObject(config)) throw refuse(what, 'config is no object');
  for (const field of ['Env', 'Entrypoint', 'Cmd']) {
    const list = config[field] ?? [];
    if (!Array.isArray(list) || !list.every((item) => typeof item === 'string')) {
      throw refuse(what, `config.${field} is not a list of strings`);
    }
  }
  for (const field of ['User', 'WorkingDir', 'StopSignal']) {
    if (typeof (config[field] ?? '') !== 'string') {
      throw refuse(what, `config.${field} is not a string`);
    }
  }
}
