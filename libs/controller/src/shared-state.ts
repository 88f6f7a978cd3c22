import type { ApiObject, Kind } from '@gantry/api-machinery';
import type { ObjectIndex } from './object-index.js';

/** Told of each change of a kind, in order, after the index has it. Must not throw and not wait. */
export interface StateSink<T extends ApiObject> {
  /** From now on the index shows what it has to show. */
  began(resourceVersion: string): void;
  /** New, or another state of `previous`. */
  changed(object: T, previous: T | undefined): void;
  deleted(object: T): void;
  /** Nothing at or below this is still to come. */
  progressed(resourceVersion: string): void;
}

/**
 * Kinds that somebody in this process follows already, so that one list, one watch and one copy of each object
 * serve all.
 */
export interface SharedState {
  /** The kind's objects, to be read and to be given indexes, by nobody to be changed. */
  index<T extends ApiObject>(kind: Kind<T>): ObjectIndex<T>;
  /** Tells the sink until the signal aborts; resolves then. */
  follow<T extends ApiObject>(
    kind: Kind<T>,
    sink: StateSink<T>,
    signal: AbortSignal,
  ): Promise<void>;
}
