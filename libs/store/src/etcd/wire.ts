import type { Entry } from '../store.js';
import type { RawKeyValue } from './connection.js';

export function toEntry(kv: RawKeyValue): Entry {
  const lease = kv.lease && kv.lease !== '0' ? { leaseId: kv.lease } : {};
  return {
    key: kv.key.toString('utf8'),
    value: kv.value,
    createRevision: BigInt(kv.create_revision),
    modRevision: BigInt(kv.mod_revision),
    ...lease,
  };
}

/**
 * The first key behind all that start with these bytes; a zero byte stands for the end of all keys.
 */
export function prefixEnd(prefix: Buffer): Buffer {
  let length = prefix.length;
  while (length > 0 && prefix[length - 1] === 0xff) length -= 1;
  if (length === 0) return Buffer.of(0);
  const end = Buffer.from(prefix.subarray(0, length));
  end[length - 1] = (end[length - 1] ?? 0) + 1;
  return end;
}

/** etcd refuses an empty key; its first key is a zero byte. */
export function prefixStart(prefix: string): Buffer {
  return prefix === '' ? Buffer.of(0) : Buffer.from(prefix);
}
