import type { Logger } from '@gantry/base';
import { copyDriver } from './copy.js';
import type { SnapshotDriver, SnapshotterChoice } from './driver.js';
import { erofsDriver, overlayDriver } from './layered.js';
import { runLayers } from './layers-program.js';

/** Where probes run, and with what. */
export interface SnapshotHost {
  readonly layersBinary: string;
  /** On the file system that takes the containers' own layers. */
  readonly dataDir: string;
}

export interface Snapshotter {
  readonly driver: SnapshotDriver;
  /** Why it is not overlay, when nobody has asked for anything else. */
  readonly fallbackReason?: string;
}

interface Verdict {
  readonly possible: boolean;
  readonly reason?: string;
}

/** Why this host cannot; undefined when it can. It is tried for real, once. */
async function obstacle(
  ability: 'overlay' | 'erofs',
  { layersBinary, dataDir }: SnapshotHost,
): Promise<string | undefined> {
  const args = ['probe', ability, '--dir', dataDir];
  const { possible, reason } = await runLayers<Verdict>(layersBinary, args);
  return possible ? undefined : (reason ?? 'it failed without a reason');
}

/** The driver that the flag asks for; rejects with the reason and the way out when this host cannot have it. */
export async function chooseSnapshotter(
  choice: SnapshotterChoice,
  host: SnapshotHost,
): Promise<Snapshotter> {
  const copy = { driver: copyDriver(host.layersBinary) };
  if (choice === 'copy') return copy;
  const noOverlay = await obstacle('overlay', host);
  if (choice === 'auto') {
    if (noOverlay === undefined) return { driver: overlayDriver };
    return { ...copy, fallbackReason: noOverlay };
  }
  const way = 'or start the agent with --snapshotter';
  if (noOverlay !== undefined) {
    throw new Error(`--snapshotter ${choice}: ${noOverlay}; ${way} copy`);
  }
  if (choice === 'overlay') return { driver: overlayDriver };
  const noErofs = await obstacle('erofs', host);
  if (noErofs !== undefined) throw new Error(`--snapshotter erofs: ${noErofs}; ${way} overlay`);
  return { driver: erofsDriver };
}

/** Says once per start what was chosen, and what that means. */
export function logSnapshotter({ driver, fallbackReason }: Snapshotter, logger: Logger): void {
  const { name: snapshotter, cost } = driver;
  if (fallbackReason === undefined) logger.info({ snapshotter, cost }, 'snapshotter chosen');
  else logger.warn({ snapshotter, cost, reason: fallbackReason }, 'no overlay can be had here');
}
