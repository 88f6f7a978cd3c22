import { existsSync } from 'node:fs';
import { PodKind, type Kind } from '@gantry/api';
import type { Clock } from '@gantry/base';
import { checkpointFile, type CheckpointConfig } from './checkpoints.js';

/** A process that does not come to schedule lists the pods after this time. */
const maxWaitMs = 15_000;

/**
 * Lists of all pods wait for the scheduler where it may begin with a checkpoint: it needs none of them, and who
 * reads a million pods meanwhile takes the processor and the store from it.
 */
export class PodLists {
  private readonly opened = Promise.withResolvers<void>();
  private readonly cancel: () => void;
  private waits: boolean;

  constructor(config: CheckpointConfig, clock: Clock) {
    this.waits = config.checkpointPods > 0 && existsSync(checkpointFile(config));
    this.cancel = this.waits ? clock.after(maxWaitMs, () => this.release()) : () => {};
  }

  /** What lists of this kind wait for; undefined when for nothing. */
  readonly turn = (kind: Pick<Kind, 'group' | 'plural'>): Promise<void> | undefined => {
    const isPods = kind.plural === PodKind.plural && kind.group === PodKind.group;
    return this.waits && isPods ? this.opened.promise : undefined;
  };

  /** The scheduler has begun, or will do so by the list. */
  release(): void {
    this.waits = false;
    this.cancel();
    this.opened.resolve();
  }
}
