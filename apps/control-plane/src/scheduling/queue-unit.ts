import type { Pod } from '@gantry/api';
import type { Ask, Waiting } from '@gantry/scheduler';
import type { GangWish } from './gangs.js';

export type Place = 'active' | 'backoff' | 'unschedulable' | 'assembling' | 'taken';

/** What is decided on at once: a pod, or the pods of a gang that wait. */
export interface QueuedUnit {
  readonly key: string;
  /** By key, in order of arrival. */
  readonly pods: ReadonlyMap<string, Pod>;
  /** Set for a gang. */
  readonly gang?: GangWish;
  readonly attempts: number;
}

/** A unit with the queue's own notes. */
export interface Unit extends QueuedUnit, Waiting {
  readonly pods: Map<string, Pod>;
  gang?: GangWish;
  asks: readonly Ask[];
  priority: number;
  attempts: number;
  readonly bornMs: number;
  /** When the last attempt ended; undefined before the first. */
  triedMs?: number;
  place: Place;
  cancel?: () => void;
  /** A node is being cleared for it: it goes on at once when that helped, without back-off. */
  urgent?: boolean;
  /** Its pods changed while an attempt was under way. */
  changedMeanwhile?: boolean;
}
