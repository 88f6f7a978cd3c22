import type { Image, LayerFormat } from '@gantry/image';
import type { LayeredRoot } from '@gantry/runtime-client';

export const snapshotDriverNames = ['overlay', 'copy', 'erofs'] as const;
export type SnapshotDriverName = (typeof snapshotDriverNames)[number];

/** What the flag takes: `auto` is overlay where this host can, else copy. */
export type SnapshotterChoice = SnapshotDriverName | 'auto';

/** What a runtime is to make a container's root of. */
export type ContainerRoot =
  | { readonly kind: 'layers'; readonly layers: LayeredRoot }
  | { readonly kind: 'directory'; readonly directory: string };

/**
 * A way to give each container a root of its own, from the layers of its image. Only what differs is here: all that
 * a driver makes for a container lies below the directory that `prepare` gets, so that it is measured, removed, and
 * found again after a crash alike whatever made it.
 */
export interface SnapshotDriver {
  readonly name: SnapshotDriverName;
  /** How the image store is to keep the layers that it pulls from now on. */
  readonly layerFormat: LayerFormat;
  /** What it costs, in words for the log. */
  readonly cost: string;
  /**
   * Makes the root anew in `dir`, whatever an attempt that came to nothing has left there. Rejects with a sentence,
   * leaving nothing that would be taken for a root.
   */
  prepare(
    image: Pick<Image, 'layerDirs'>,
    dir: string,
    signal?: AbortSignal,
  ): Promise<ContainerRoot>;
}
