import { randomUUID } from 'node:crypto';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Pod } from '@gantry/api';
import { delay, describeError, type Clock, type Logger } from '@gantry/base';
import type { Informer } from '@gantry/controller';
import type { Snapshot } from '@gantry/scheduler';
import type { Store } from '@gantry/store';
import type { Config } from '../../config.js';
import { Checkpoint, writeCheckpoint } from './checkpoint-file.js';
import { survey } from './checkpoint-writer.js';

const minuteMs = 60_000;

export type CheckpointConfig = Pick<
  Config,
  'dataDir' | 'identity' | 'checkpointPods' | 'compactionMinutes'
>;

export interface CheckpointsOptions {
  readonly file: string;
  /** Who this is among several control planes, each of which has checkpoints of its own. */
  readonly identity: string;
  /** Clusters with fewer pods are read faster than they are worth a checkpoint. */
  readonly minPods: number;
  readonly intervalMs: number;
  readonly store: Store;
  readonly clock: Clock;
  readonly logger: Logger;
}

/**
 * What this scheduler knows of the pods, written to a file of its own now and then, so that after a restart it need
 * not read all of them before it decides. The store has a mark with the id of the newest one: a file that is older,
 * or of another cluster, or from after a point to which the store was set back, is never taken up.
 */
export class Checkpoints {
  private readonly key: string;
  private writtenAt: bigint | undefined;

  constructor(private readonly options: CheckpointsOptions) {
    this.key = `scheduling/checkpoints/${options.identity}`;
  }

  /** The checkpoint to begin with; undefined when there is none that is known to be right. Never throws. */
  async newest(): Promise<Checkpoint | undefined> {
    const { file, store, logger } = this.options;
    try {
      const [checkpoint, mark] = await Promise.all([Checkpoint.read(file), store.get(this.key)]);
      const isNewest = mark && JSON.parse(Buffer.from(mark.value).toString()).id;
      return checkpoint && checkpoint.header.id === isNewest ? checkpoint : undefined;
    } catch (error) {
      logger.warn({ file, err: describeError(error) }, "the scheduler's checkpoint is not used");
      return undefined;
    }
  }

  /** Writes one at once and then each interval, as long as something changed; never throws. */
  async run(pods: Informer<Pod>, snapshot: Snapshot, signal: AbortSignal): Promise<void> {
    const { file, clock, logger, intervalMs } = this.options;
    while (!signal.aborted) {
      try {
        await this.write(pods, snapshot, signal);
      } catch (error) {
        const err = describeError(error);
        logger.warn({ file, err }, 'write a checkpoint of the scheduler: trying again later');
      }
      await delay(clock, intervalMs, signal).catch(() => {});
    }
  }

  private async write(pods: Informer<Pod>, snapshot: Snapshot, signal: AbortSignal): Promise<void> {
    const { file, minPods, store, logger } = this.options;
    if (pods.size < minPods) return rm(file, { force: true });
    const { seenRevision } = pods;
    if (seenRevision === this.writtenAt) return;
    const surveyed = await survey(pods, snapshot, signal);
    if (!surveyed) return;
    const id = randomUUID();
    await writeCheckpoint(file, { id, ...surveyed.header }, surveyed.records);
    // Behind all that is in the file: a store that has the mark has all of that.
    const value = Buffer.from(JSON.stringify({ id }));
    await store.transact([], [{ type: 'put', key: this.key, value }]);
    this.writtenAt = seenRevision;
    logger.debug({ file, pods: surveyed.records.size }, 'wrote a checkpoint of the scheduler');
  }
}

export function checkpointFile({ dataDir }: Pick<Config, 'dataDir'>): string {
  return join(dataDir, 'scheduler-checkpoint');
}

/** What a configuration says of them; undefined where it wants none. */
export function configuredCheckpoints(
  config: CheckpointConfig,
  beside: Pick<CheckpointsOptions, 'store' | 'clock' | 'logger'>,
): Checkpoints | undefined {
  const { dataDir, identity, checkpointPods: minPods, compactionMinutes } = config;
  if (minPods === 0) return undefined;
  const file = checkpointFile({ dataDir });
  // The store keeps what happened in one to two of its intervals.
  const intervalMs = (compactionMinutes * minuteMs) / 2;
  return new Checkpoints({ ...beside, file, identity, minPods, intervalMs });
}
