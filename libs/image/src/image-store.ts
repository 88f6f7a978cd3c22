import type { Logger } from '@gantry/base';
import type { Image, PullOptions, RegistryConfig } from './types.js';
import { ImageError } from './errors.js';

export interface ImageStoreOptions {
  /** Root of the store, e.g. `/var/lib/gantry/images`; made when missing, mode 0700. */
  readonly dir: string;
  /** Path of the `gantry-layers` program. */
  readonly layersBinary: string;
  readonly logger: Logger;
  readonly registries?: RegistryConfig;
  /** Layers in flight at once over all pulls (default 3). */
  readonly maxConcurrentLayers?: number;
}

/** What a collection removed. */
export interface GarbageReport {
  readonly images: readonly string[];
  readonly layers: number;
  readonly blobs: number;
  readonly freedBytes: number;
}

/** All images of a node: pulls each digest once however many ask, and survives a kill at any byte. */
export class ImageStore {
  constructor(private readonly options: ImageStoreOptions) {}

  /** Makes the image present by the policy; rejects with ImageError. */
  async pull(reference: string, options: PullOptions = {}): Promise<Image> {
    throw new ImageError('internal', `pull ${reference} ${options.policy} ${this.options.dir}`);
  }

  /** The image as the store has it, by tag, digest or image ID; undefined when absent or incomplete. */
  async get(reference: string): Promise<Image | undefined> {
    throw new ImageError('internal', `get ${reference}`);
  }

  async list(): Promise<Image[]> {
    throw new ImageError('internal', 'list');
  }

  /** Forgets the name; its content goes with the next collection. True when it was there. */
  async remove(reference: string): Promise<boolean> {
    throw new ImageError('internal', `remove ${reference}`);
  }

  /**
   * Removes every name outside `inUse` (references or digests as Image has them), and all content that
   * neither a remaining image nor a pull in flight needs.
   */
  async collectGarbage(inUse: ReadonlySet<string>): Promise<GarbageReport> {
    throw new ImageError('internal', `collect ${inUse.size}`);
  }

  /** Waits for writes under way; pulls in flight are stopped and keep what they have downloaded. */
  async close(): Promise<void> {}
}
