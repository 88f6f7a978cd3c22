import { statfs } from 'node:fs/promises';
import type { ContentStore, LayerRecord } from './content-store.js';

/** The file system's magic number in statfs, from linux/magic.h. */
const erofsMagic = 0xe0f5e1e2;

/**
 * Layers that are image files are mounted where they would lie unpacked, once for all containers, and stay so until
 * they are collected or the host is restarted. The kernel is asked each time: an empty mount point would look like an
 * empty layer.
 */
export class LayerMounts {
  constructor(
    private readonly content: ContentStore,
    /** Mounts layers by diffID; those that are mounted already are left alone. */
    private readonly mount: (diffIds: readonly string[]) => Promise<void>,
  ) {}

  async ensure(records: readonly LayerRecord[]): Promise<void> {
    const images = records.filter(({ erofsBytes }) => erofsBytes !== undefined);
    const asked = images.map(async ({ diffId }) => ({
      diffId,
      there: await this.isMounted(diffId),
    }));
    const missing = (await Promise.all(asked)).filter(({ there }) => !there);
    if (missing.length > 0) await this.mount(missing.map(({ diffId }) => diffId));
  }

  private async isMounted(diffId: string): Promise<boolean> {
    return (await statfs(this.content.layerDir(diffId))).type === erofsMagic;
  }
}
