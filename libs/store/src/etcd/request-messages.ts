import { ProtobufWriter } from '@gantry/base';
import type { Revision } from '../store.js';

/** The keys from `key` up to `rangeEnd` (etcdserverpb.RangeRequest). */
export interface RangeRequest {
  readonly key: Uint8Array;
  readonly rangeEnd: Uint8Array;
  readonly limit: number;
  /** As of this revision; the newest when it is left out. */
  readonly revision?: Revision;
}

/** What is watched, in fragments, from `startRevision` on where it is given; with what was there before unless told. */
export interface WatchRequest {
  readonly key: Uint8Array;
  readonly rangeEnd: Uint8Array;
  readonly startRevision?: Revision;
  readonly withoutPrevious?: boolean;
}

export function encodeRange({ key, rangeEnd, limit, revision }: RangeRequest): Buffer {
  const message = new ProtobufWriter().bytes(1, key).bytes(2, rangeEnd).number(3, BigInt(limit));
  if (revision !== undefined) message.number(4, revision);
  return message.toBuffer();
}

/** etcdserverpb.WatchRequest that begins a watch. */
export function encodeWatch(request: WatchRequest): Buffer {
  const { key, rangeEnd, startRevision, withoutPrevious = false } = request;
  const create = new ProtobufWriter().bytes(1, key).bytes(2, rangeEnd);
  if (startRevision !== undefined) create.number(3, startRevision);
  // progress_notify, prev_kv and fragment.
  create.flag(4, true).flag(6, !withoutPrevious).flag(8, true);
  return new ProtobufWriter().message(1, create).toBuffer();
}

/** etcdserverpb.WatchRequest that asks how far the watches of a stream are. */
export const progressRequest: Buffer = new ProtobufWriter()
  .message(3, new ProtobufWriter())
  .toBuffer();
