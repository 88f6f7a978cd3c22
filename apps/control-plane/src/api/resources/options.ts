import type { ApiObject, WatchEvent } from '@gantry/api-machinery';
import type { SentPod } from './pod-models.js';

export type FieldValidation = 'Strict' | 'Warn' | 'Ignore';

/** What every write may carry; all of it optional for writers inside the control plane. */
export interface WriteOptions {
  /** Run everything but the store's write. */
  readonly dryRun?: boolean;
  /** How unknown and duplicate fields of a patch's outcome are met (default Strict). */
  readonly fieldValidation?: FieldValidation;
  /**
   * Whom managedFields name as the owner of what changes. Writers inside the control plane give none:
   * nobody applies what they write, and the bookkeeping would cost each of their writes.
   */
  readonly fieldManager?: string;
  /** Receives what the caller should be told although the write succeeded. */
  readonly onWarning?: (text: string) => void;
  /** The object was made for this call and may be changed in place, which saves a copy. */
  readonly owned?: boolean;
  /** The new object was decoded from this without a warning; others that are sent alike may be made after it. */
  readonly sent?: SentPod;
}

export type PropagationPolicy = 'Background' | 'Foreground' | 'Orphan';

/** A delete or an update happens only to this object and, if given, to this version of it. */
export interface Preconditions {
  readonly uid?: string;
  readonly resourceVersion?: string;
}

/** metav1.DeleteOptions as far as it is served. */
export interface DeleteOptions {
  readonly dryRun?: boolean;
  /** Seconds a pod gets to end; 0 removes it from the store at once. Default: the pod's own. */
  readonly gracePeriodSeconds?: number;
  readonly preconditions?: Preconditions;
  readonly propagationPolicy?: PropagationPolicy;
}

/** `gone`: nothing is stored any more. Otherwise the object now carries a deletionTimestamp. */
export interface Deletion<T> {
  readonly gone: boolean;
  readonly object: T;
}

/** Selectors in their query form, e.g. `app=web,tier in (a,b)`; absent ones select all. */
export interface Selection {
  readonly namespace?: string;
  readonly labelSelector?: string;
  readonly fieldSelector?: string;
}

/** `Exact` reads the past at resourceVersion, `NotOlderThan` any state from there on. */
export type ResourceVersionMatch = 'Exact' | 'NotOlderThan';

export interface ListOptions extends Selection {
  /** At most this many items (0 or absent: all). */
  readonly limit?: number;
  /** Opaque token of the previous page. */
  readonly continue?: string;
  /** Absent: the newest state. `0`: whatever the cache holds. */
  readonly resourceVersion?: string;
  readonly resourceVersionMatch?: ResourceVersionMatch;
}

/** One page of objects, all read at `resourceVersion`; the objects are shared: do not change them. */
export interface ListPage<T> {
  readonly items: readonly T[];
  readonly resourceVersion: string;
  readonly continue?: string;
  readonly remainingItemCount?: number;
}

export interface WatchRequest extends Selection {
  /** Absent: the newest state first as ADDED. `0`: the same from the cache. Else: events after it. */
  readonly resourceVersion?: string;
  /** Ask for bookmarks, which carry nothing but a resourceVersion to resume from. */
  readonly allowBookmarks?: boolean;
  /** The current objects as ADDED, then a bookmark annotated `k8s.io/initial-events-end`. */
  readonly sendInitialEvents?: boolean;
  readonly signal: AbortSignal;
}

/** An event as it goes to a watcher; `line` is its JSON with a line feed, made once for all watchers. */
export interface DeliveredEvent<T extends ApiObject> extends WatchEvent<T> {
  line(): string;
}

/** The forms a patch may have, by the last part of its media type. */
export type PatchType = 'json' | 'merge' | 'strategic' | 'apply';

export interface Patch {
  readonly type: PatchType;
  readonly body: unknown;
}

export interface ApplyOptions extends WriteOptions {
  readonly fieldManager: string;
  /** Take over fields that other managers own with another value. */
  readonly force?: boolean;
  readonly target?: WriteTarget;
}

/** What server-side apply made, and whether it had to be created. */
export interface Applied<T> {
  readonly object: T;
  readonly created: boolean;
}

/**
 * The part of the object that a write goes to: `object` keeps status, `status` keeps the rest.
 * `whole` skips the kind's rules and is for subresources that check for themselves, such as binding.
 */
export type WriteTarget = 'object' | 'status' | 'whole';
