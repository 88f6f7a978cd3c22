import type { Cause } from '@gantry/base';

/** metav1.ListMeta. */
export interface ListMeta {
  resourceVersion?: string;
  /** Opaque; present when more items follow. */
  continue?: string;
  remainingItemCount?: number;
}

/** A list of one kind as it goes over the wire. */
export interface ObjectList<T> {
  apiVersion: string;
  kind: string;
  metadata: ListMeta;
  items: T[];
}

/** metav1.Status: the answer when there is no object to answer with. */
export interface Status {
  kind: 'Status';
  apiVersion: 'v1';
  metadata: ListMeta;
  status: 'Success' | 'Failure';
  message?: string;
  reason?: string;
  details?: StatusDetails;
  code?: number;
}

export interface StatusDetails {
  name?: string;
  group?: string;
  kind?: string;
  uid?: string;
  causes?: readonly Cause[];
  retryAfterSeconds?: number;
}

/** metav1.WatchEvent. */
export interface WatchEvent<T> {
  type: 'ADDED' | 'MODIFIED' | 'DELETED' | 'BOOKMARK' | 'ERROR';
  object: T;
}
