import type { ImageManifest } from '../types.js';
import type { LayerJob, WantedLayer } from './layer-fetcher.js';

/** Each layer once: an image may list one twice (an empty one, mostly). */
export function uniqueLayers(manifest: ImageManifest, diffIds: readonly string[]): WantedLayer[] {
  const byDiffId = new Map<string, WantedLayer>();
  manifest.layers.forEach((descriptor, i) => {
    const diffId = diffIds[i]!;
    if (!byDiffId.has(diffId)) byDiffId.set(diffId, { descriptor, diffId });
  });
  return [...byDiffId.values()];
}

/** Waits for all of them; the first failure ends the caller's interest in the others. */
export async function waitForLayers(
  jobs: readonly LayerJob[],
  signal: AbortSignal,
  onDone: (job: LayerJob) => void = () => {},
): Promise<void> {
  const failed = new AbortController();
  const either = AbortSignal.any([signal, failed.signal]);
  const waits = jobs.map(async (job) => {
    try {
      await job.work.wait(either);
      onDone(job);
    } catch (error) {
      failed.abort(error);
      throw error;
    }
  });
  try {
    await Promise.all(waits);
  } finally {
    await Promise.allSettled(waits);
  }
}
