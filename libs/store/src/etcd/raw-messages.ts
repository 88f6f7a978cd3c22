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

/** Numbers up to here are exact and cheap; larger ones take the long way. */
const exactBytes = 7;
const maxVarintBytes = 10;

/**
 * Reads protocol buffers as they are on the wire (protobuf.dev, "Encoding"). By hand, since lists and watches are
 * most of what etcd sends: what a general decoder makes of 64-bit numbers costs more than all the rest.
 */
export class Reader {
  constructor(
    private readonly bytes: Buffer,
    private at = 0,
    private readonly end = bytes.length,
  ) {}

  /** The next field's number and, in its lowest three bits, its wire type; -1 at the end. */
  tag(): number {
    return this.at >= this.end ? -1 : this.number();
  }

  number(): number {
    const value = this.shortNumber();
    return value < 0 ? Number(this.longInt64()) : value;
  }

  /** A signed 64-bit number. */
  int64(): bigint {
    const value = this.shortNumber();
    return value < 0 ? this.longInt64() : BigInt(value);
  }

  /** -1, and nothing is read, when it is not short. */
  private shortNumber(): number {
    let value = 0;
    let scale = 1;
    for (let i = this.at; i < this.end && i < this.at + exactBytes; i += 1) {
      const byte = this.bytes[i]!;
      value += (byte & 0x7f) * scale;
      scale *= 128;
      if (byte > 0x7f) continue;
      this.at = i + 1;
      return value;
    }
    return -1;
  }

  private longInt64(): bigint {
    let value = 0n;
    for (let i = 0; i < maxVarintBytes && this.at + i < this.end; i += 1) {
      const byte = this.bytes[this.at + i]!;
      value |= BigInt(byte & 0x7f) << BigInt(7 * i);
      if (byte > 0x7f) continue;
      this.at += i + 1;
      return BigInt.asIntN(64, value);
    }
    throw new Error('etcd sent a damaged message: a number has no end');
  }

  blob(): Buffer {
    const { from, to } = this.extent();
    return this.bytes.subarray(from, to);
  }

  private extent(): { from: number; to: number } {
    const length = this.number();
    const from = this.at;
    if (length < 0 || from + length > this.end) {
      throw new Error('etcd sent a damaged message: a field is longer than its message');
    }
    this.at = from + length;
    return { from, to: this.at };
  }

  text(): string {
    const { from, to } = this.extent();
    return this.bytes.toString('utf8', from, to);
  }

  message(): Reader {
    const { from, to } = this.extent();
    return new Reader(this.bytes, from, to);
  }

  skip(type: number): void {
    if (type === 0) this.int64();
    else if (type === 2) this.blob();
    else if (type === 1 || type === 5) this.at += type === 1 ? 8 : 4;
    else throw new Error(`etcd sent a damaged message: wire type ${type}`);
  }
}

/** Hands each field's number to `take`, which returns false for what it does not read. */
export function fields(reader: Reader, take: (field: number) => boolean): void {
  for (let tag = reader.tag(); tag >= 0; tag = reader.tag()) {
    if (!take(tag >>> 3)) reader.skip(tag & 7);
  }
}

export function headerRevision(reader: Reader): Revision {
  let revision = 0n;
  fields(reader, (field) => {
    if (field !== 3) return false;
    revision = reader.int64();
    return true;
  });
  return revision;
}

const none = Buffer.alloc(0);

/** Without a function for each: entries come by the million. */
function entryOf(reader: Reader): Entry {
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
export function decodeRangeAnswer(bytes: Buffer): RangeAnswer {
  const reader = new Reader(bytes);
  const entries: Entry[] = [];
  let [revision, count] = [0n, 0];
  fields(reader, (field) => {
    if (field === 1) revision = headerRevision(reader.message());
    else if (field === 2) entries.push(entryOf(reader.message()));
    else if (field === 4) count = reader.number();
    else return false;
    return true;
  });
  return { revision, entries, count };
}

function changeOf(reader: Reader): Change {
  let isDeletion = false;
  let entry: Entry | undefined;
  let previous: Entry | undefined;
  fields(reader, (field) => {
    if (field === 1) isDeletion = reader.number() === 1;
    else if (field === 2) entry = entryOf(reader.message());
    else if (field === 3) previous = entryOf(reader.message());
    else return false;
    return true;
  });
  if (!entry) throw new Error('etcd sent a damaged message: an event names no key');
  const before = previous ? { previous } : {};
  if (!isDeletion) return { type: 'put', entry, ...before };
  return { type: 'delete', key: entry.key, revision: entry.modRevision, ...before };
}

/** Throws when the bytes are no such message. */
export function decodeWatchAnswer(bytes: Buffer): WatchAnswer {
  const reader = new Reader(bytes);
  const changes: Change[] = [];
  let [revision, compactRevision, cancelReason] = [0n, 0n, ''];
  let [created, canceled, fragment] = [false, false, false];
  fields(reader, (field) => {
    if (field === 1) revision = headerRevision(reader.message());
    else if (field === 3) created = reader.number() !== 0;
    else if (field === 4) canceled = reader.number() !== 0;
    else if (field === 5) compactRevision = reader.int64();
    else if (field === 6) cancelReason = reader.blob().toString('utf8');
    else if (field === 7) fragment = reader.number() !== 0;
    else if (field === 11) changes.push(changeOf(reader.message()));
    else return false;
    return true;
  });
  return { revision, created, canceled, compactRevision, cancelReason, fragment, changes };
}
