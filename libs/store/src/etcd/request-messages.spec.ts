import { createRequire } from 'node:module';
import type { ServiceDefinition } from '@grpc/grpc-js';
import { loadSync } from '@grpc/proto-loader';
import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { encodeRange, encodeWatch, progressRequest } from './request-messages.js';

const file = createRequire(import.meta.url).resolve('etcd3/proto/rpc.proto');
const definition = loadSync(file, { keepCase: true, longs: String, oneofs: true });
const read = (service: string, method: string, bytes: Buffer) =>
  (definition[`etcdserverpb.${service}`] as ServiceDefinition)[method]!.requestDeserialize(bytes);

const revision = fc.bigInt({ min: 1n, max: 2n ** 63n - 1n });
const keys = fc.uint8Array({ minLength: 1, maxLength: 300 }).map((bytes) => Buffer.from(bytes));
const asked = fc.option(revision, { nil: undefined });

test('asks for every range as it is declared', () => {
  const request = fc.record({ key: keys, rangeEnd: keys, limit: fc.nat(), revision: asked });
  fc.assert(
    fc.property(request, (each) => {
      const declared = { key: each.key, range_end: each.rangeEnd, limit: String(each.limit) };
      const at = each.revision === undefined ? {} : { revision: String(each.revision) };
      expect(read('KV', 'Range', encodeRange(each))).toEqual({ ...declared, ...at });
    }),
  );
});

test('begins every watch as it is declared, and asks how far it is', () => {
  const withoutPrevious = fc.boolean();
  const request = fc.record({ key: keys, rangeEnd: keys, startRevision: asked, withoutPrevious });
  const always = { progress_notify: true, fragment: true };
  fc.assert(
    fc.property(request, (each) => {
      const from = each.startRevision;
      const start = from === undefined ? {} : { start_revision: String(from) };
      const previous = each.withoutPrevious ? {} : { prev_kv: true };
      const create = { key: each.key, range_end: each.rangeEnd, ...always, ...previous, ...start };
      const declared = { request_union: 'create_request', create_request: create };
      expect(read('Watch', 'Watch', encodeWatch(each))).toEqual(declared);
    }),
  );
  const progress = { request_union: 'progress_request', progress_request: {} };
  expect(read('Watch', 'Watch', progressRequest)).toEqual(progress);
});
