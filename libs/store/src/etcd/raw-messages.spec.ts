import { createRequire } from 'node:module';
import type { ServiceDefinition } from '@grpc/grpc-js';
import { loadSync } from '@grpc/proto-loader';
import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { decodeRangeAnswer, decodeWatchAnswer } from './raw-messages.js';

const file = createRequire(import.meta.url).resolve('etcd3/proto/rpc.proto');
const definition = loadSync(file, { keepCase: true, longs: String });
const encode = (service: string, method: string) =>
  (definition[`etcdserverpb.${service}`] as ServiceDefinition)[method]!.responseSerialize;

const revision = fc.bigInt({ min: 0n, max: 2n ** 63n - 1n });
const bytes = fc.uint8Array({ maxLength: 40 }).map((array) => Buffer.from(array));
const keyValue = fc.record({
  key: fc.string({ unit: 'binary', minLength: 1, maxLength: 12 }),
  create_revision: revision,
  mod_revision: revision,
  version: revision,
  value: bytes,
  lease: fc.oneof(fc.constant(0n), revision),
});
type KeyValue = typeof keyValue extends fc.Arbitrary<infer T> ? T : never;

const wire = ({ key, value, ...numbers }: KeyValue) => ({
  key: Buffer.from(key),
  value,
  ...Object.fromEntries(Object.entries(numbers).map(([name, number]) => [name, String(number)])),
});
const entry = ({ key, value, create_revision, mod_revision, lease }: KeyValue) => ({
  key,
  value,
  createRevision: create_revision,
  modRevision: mod_revision,
  ...(lease === 0n ? {} : { leaseId: String(lease) }),
});
const header = (at: bigint) => ({
  cluster_id: '18446744073709551615',
  member_id: '1',
  revision: String(at),
  raft_term: '7',
});

test('reads every range that the declared encoding can write', () => {
  const serialize = encode('KV', 'Range');
  fc.assert(
    fc.property(revision, fc.array(keyValue), fc.nat(), (at, kvs, count) => {
      const answer = { header: header(at), kvs: kvs.map(wire), more: true, count: String(count) };
      expect(decodeRangeAnswer(serialize(answer))).toEqual({
        revision: at,
        entries: kvs.map(entry),
        count,
      });
    }),
  );
});

test('reads every message of a watch', () => {
  const serialize = encode('Watch', 'Watch');
  const event = fc.record({
    type: fc.constantFrom('PUT', 'DELETE'),
    kv: keyValue,
    prev: fc.option(keyValue, { nil: undefined }),
  });
  fc.assert(
    fc.property(
      revision,
      revision,
      fc.array(event),
      fc.boolean(),
      (at, compacted, events, flag) => {
        const answer = decodeWatchAnswer(
          serialize({
            header: header(at),
            watch_id: '-1',
            created: flag,
            canceled: !flag,
            compact_revision: String(compacted),
            cancel_reason: 'why',
            fragment: flag,
            events: events.map(({ type, kv, prev }) => ({
              type: type === 'PUT' ? 0 : 1,
              kv: wire(kv),
              ...(prev ? { prev_kv: wire(prev) } : {}),
            })),
          }),
        );
        expect(answer).toEqual({
          revision: at,
          created: flag,
          canceled: !flag,
          compactRevision: compacted,
          cancelReason: 'why',
          fragment: flag,
          changes: events.map(({ type, kv, prev }) => ({
            ...(type === 'PUT'
              ? { type: 'put', entry: entry(kv) }
              : { type: 'delete', key: kv.key, revision: kv.mod_revision }),
            ...(prev ? { previous: entry(prev) } : {}),
          })),
        });
      },
    ),
  );
});

test('refuses what is cut off or damaged instead of reading past it', () => {
  const whole = encode(
    'KV',
    'Range',
  )({
    header: header(9n),
    kvs: [{ key: Buffer.from('k'), value: Buffer.from('value') }],
  });
  expect(() => decodeRangeAnswer(whole.subarray(0, whole.length - 3))).toThrow('damaged message');
  expect(() => decodeRangeAnswer(Buffer.alloc(30, 0xff))).toThrow('damaged message');
  fc.assert(
    fc.property(bytes, (noise) => {
      for (const decode of [decodeRangeAnswer, decodeWatchAnswer]) {
        try {
          decode(noise);
        } catch (error) {
          expect((error as Error).message).toContain('damaged message');
        }
      }
    }),
  );
});
