import type { ApiObject, Kind } from '@gantry/api-machinery';

export interface WatchOptions {
  readonly namespace?: string;
  /** Changes after this revision; without it, from now on. */
  readonly resourceVersion?: string;
  /**
   * Events come without `previous`, and a deleted object with nothing but its identity: for those who know the state
   * before by themselves. Costs the store less.
   */
  readonly withoutPrevious?: boolean;
}

/**
 * One change of one object; metadata.resourceVersion is the revision of the change, also for
 * DELETED, whose object is the last state. A BOOKMARK's object has a resourceVersion only: nothing
 * at or below it is still to come.
 */
export interface ObjectEvent<T extends ApiObject> {
  readonly type: 'ADDED' | 'MODIFIED' | 'DELETED' | 'BOOKMARK';
  readonly object: T;
  readonly previous?: T;
  /** The JSON of the object; cheaper than to write it out where it is stored as text already. */
  json?(): string;
}

/** One write of a transaction; update and delete hold at exactly the given resourceVersion. */
export interface ObjectOperation {
  readonly type: 'create' | 'update' | 'delete';
  readonly kind: Kind;
  readonly object: ApiObject;
}
