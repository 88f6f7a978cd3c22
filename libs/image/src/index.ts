/**
 * OCI images: references, the registry client and the content store. Nouns are those of the OCI image
 * and distribution specifications 1.1: reference, descriptor, index, manifest, configuration, blob, layer,
 * diffID. Content is trusted by digest alone. It knows no Pod, and does not unpack: `gantry-layers` does.
 */
export type { ImageSummary, ImportOptions, RemovedImage } from './administration/administration.js';
export { ImageAdministration } from './administration/administration.js';
export * from './errors.js';
export * from './image-store.js';
export { digestOf } from './manifest.js';
export { mediaTypes } from './media-types.js';
export type { BlobFeed } from './pull/blob-feed.js';
export type { BlobPeers, BlobSource } from './pull/blob-source.js';
export { hostPlatform } from './platform.js';
export * from './reference.js';
export { parseDockerConfig } from './registry/docker-config.js';
export { Pusher, type PushLayer } from './registry/pusher.js';
export { RegistryClient, type RequestOptions } from './registry/registry-client.js';
export type { GarbageReport } from './store/garbage.js';
export type { GarbagePolicy } from './store/garbage-policy.js';
export * from './types.js';
