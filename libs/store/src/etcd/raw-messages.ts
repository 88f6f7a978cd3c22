import { eachField, ProtobufReader } from '@gantry/base';
import type { Change } from '../change.js';
import type { Entry, Revision } from '../store.js';

/** etcd's answer to a range (etcdserverpb.RangeResponse). */
export interface RangeAnswer {
  readonly revision: Revision;
  readonly entries: readonly Entry[];
  /** Keys of the whole range, on this page or not. */
  readonly count: number;
}

/** One message of a watch (etcdserverpb.WatchResponse). */
export interface WatchAnswer {
  readonly revision: Revision;
  readonly created: boolean;
  readonly canceled: boolean;
  readonly compactRevision: Revision;
  readonly cancelReason: string;
  readonly fragment: boolean;
  readonly changes: readonly Change[];
}

/** What etcd sent, read; a message that is damaged is said to be so. */
export function readMessage<T>(bytes: Buffer, read: (reader: ProtobufReader) => T): T {
  try {
    return read(new ProtobufReader(bytes));
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    throw new Error(`etcd sent a damaged message: ${error.message}`, { cause: error });
  }
}

export function headerRevision(reader: ProtobufReader): Revision {
  let revision = 0n;
  eachField(reader, (field) => {
    if (field !== 3) return false;
    revision = reader.int64();
    return true;
  });
  return revision;
}

const none = Buffer.alloc(0);

/** Without a function for each: entries come by the million. */
function entryOf(reader: ProtobufReader): Entry {
  let [key, createRevision, modRevision, lease] = ['', 0n, 0n, 0n];
  let value: Buffer = none;
  for (let tag = reader.tag(); tag >= 0; tag = reader.tag()) {
    const field = tag >>> 3;
    if (field === 1) key = reader.text();
    else if (field === 2) createRevision = reader.int64();
    else if (field === 3) modRevision = reader.int64();
    else if (field === 5) value = reader.blob();
    else if (field === 6) lease = reader.int64();
    else reader.skip(tag & 7);
  }
  const entry = { key, value, createRevision, modRevision };
  return lease === 0n ? entry : { ...entry, leaseId: String(lease) };
}

/** Throws when the bytes are no such message. */
export const decodeRangeAnswer = (bytes: Buffer): RangeAnswer => readMessage(bytes, rangeAnswer);

export function rangeAnswer(reader: ProtobufReader): RangeAnswer {
  const entries: Entry[] = [];
  let [revision, count] = [0n, 0];
  eachField(reader, (field) => {
    if (field === 1) revision = headerRevision(reader.message());
    else if (field === 2) entries.push(entryOf(reader.message()));
    else if (field === 4) count = reader.number();
    else return false;
    return true;
  });
  return { revision, entries, count };
}

function changeOf(reader: ProtobufReader): Change {
  let isDeletion = false;
  let entry: Entry | undefined;
  let previous: Entry | undefined;
  eachField(reader, (field) => {
    if (field === 1) isDeletion = reader.number() === 1;
    else if (field === 2) entry = entryOf(reader.message());
    else if (field === 3) previous = entryOf(reader.message());
    else return false;
    return true;
  });
  if (!entry) throw new RangeError('an event names no key');
  const before = previous ? { previous } : {};
  if (!isDeletion) return { type: 'put', entry, ...before };
  return { type: 'delete', key: entry.key, revision: entry.modRevision, ...before };
}

/** Throws when the bytes are no such message. */
export const decodeWatchAnswer = (bytes: Buffer): WatchAnswer => readMessage(bytes, watchAnswer);

function watchAnswer(reader: ProtobufReader): WatchAnswer {
  const changes: Change[] = [];
  let [revision, compactRevision, cancelReason] = [0n, 0n, ''];
  let [created, canceled, fragment] = [false, false, false];
  eachField(reader, (field) => {
    if (field === 1) revision = headerRevision(reader.message());
    else if (field === 3) created = reader.number() !== 0;
    else if (field === 4) canceled = reader.number() !== 0;
    else if (field === 5) compactRevision = reader.int64();
    else if (field === 6) cancelReason = reader.text();
    else if (field === 7) fragment = reader.number() !== 0;
    else if (field === 11) changes.push(changeOf(reader.message()));
    else return false;
    return true;
  });
  return { revision, created, canceled, compactRevision, cancelReason, fragment, changes };
}
