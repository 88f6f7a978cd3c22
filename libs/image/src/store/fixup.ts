import type { ContentStore } from './content-store.js';

/** Makes the fixup for a chain of layers; see Maintenance.compose. */
export type Compose = (diffIds: readonly string[]) => Promise<string | undefined>;

/** The name of the fixup that the image needs, made when missing; most images need none. */
export async function fixupFor(
  content: ContentStore,
  diffIds: readonly string[],
  compose: Compose,
): Promise<string | undefined> {
  const upper = await Promise.all(diffIds.slice(1).map((diffId) => content.layerRecord(diffId)));
  const implies = upper.some((layer) => (layer?.implicitDirs.length ?? 0) > 0);
  return implies ? compose(diffIds) : undefined;
}
