/**
 * OCI images: references, the registry client and the content store. Nouns are those of the OCI image
 * and distribution specifications 1.1: reference, descriptor, index, manifest, configuration, blob, layer,
 * diffID. Content is trusted by digest alone. It knows no Pod, and does not unpack: `gantry-layers` does.
 */
export * from './errors.js';
export * from './image-store.js';
export * from './types.js';
