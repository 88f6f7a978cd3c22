/**
 * What controllers stand on: `ObjectStore` (typed objects over the store, optimistic concurrency,
 * values sealed at rest), `Informer` (a list kept current by a watch, with indexes), `WorkQueue`
 * (keyed, without duplicates, with back-off) and `Controller` (informers → keys → reconcile). It
 * knows no rules of the API: nothing here defaults, validates or admits.
 */
export { Controller, source, type ControllerOptions, type Source } from './controller.js';
export { ObjectIndex, type IndexFunction } from './object-index.js';
export { Informer, type InformerHandler, type InformerOptions } from './informer.js';
export { Informers } from './informers.js';
export { noMetrics, type ControllerMetrics, type Outcome } from './metrics.js';
export { objectKey, splitObjectKey, storeKey, storePrefix } from './object-key.js';
export { ObjectStore, type Beside, type ObjectStoreOptions } from './object-store.js';
export type { ListOptions, ObjectPage } from './object-lists.js';
export { freezeShared, objectText, versionedText } from './object-text.js';
export type { ObjectEvent, ObjectOperation, WatchOptions } from './object-events.js';
export type { SharedState, StateSink } from './shared-state.js';
export { AesGcmTransform, type SealingKey, type ValueTransform } from './value-transform.js';
export { inSlices } from './turns.js';
export { WorkQueue, type WorkQueueOptions } from './work-queue.js';
