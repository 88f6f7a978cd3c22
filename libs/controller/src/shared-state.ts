import type { ApiObject, Kind } from '@gantry/api-machinery';
import type { ObjectEvent } from './object-events.js';

/** Told of a kind's whole state and then of each change, in order. Must not throw and not wait. */
export interface StateSink<T extends ApiObject> {
  /** All objects as they are at this revision; again whenever changes in between were lost. */
  replaced(objects: Iterable<T>, resourceVersion: string): void;
  /** A change, or a BOOKMARK: nothing at or below its resourceVersion is still to come. */
  changed(event: ObjectEvent<T>): void;
}

/** Kinds that somebody in this process follows already, so that one list and one watch of each serve all. */
export interface SharedState {
  /** Tells the sink until the signal aborts; resolves then. */
  follow<T extends ApiObject>(
    kind: Kind<T>,
    sink: StateSink<T>,
    signal: AbortSignal,
  ): Promise<void>;
}
