import { createRequire } from 'node:module';
import type { ServiceDefinition } from '@grpc/grpc-js';
import { loadSync } from '@grpc/proto-loader';
import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import {
  decodeTransactions,
  encodeTransactions,
  type Transaction,
} from './transaction-messages.js';

const file = createRequire(import.meta.url).resolve('etcd3/proto/rpc.proto');
const definition = loadSync(file, { keepCase: true, longs: String, enums: String });
const { Txn } = definition['etcdserverpb.KV'] as ServiceDefinition;

const revision = fc.bigInt({ min: 0n, max: 2n ** 63n - 1n });
const key = fc.string({ unit: 'binary', minLength: 1, maxLength: 12 });
const value = fc.uint8Array({ maxLength: 300 });
const operation = fc.oneof(
  fc.record({ type: fc.constant('put' as const), key, value }),
  fc.record({ type: fc.constant('put' as const), key, value, lease: revision.map(String) }),
  fc.record({ type: fc.constant('delete' as const), key }),
);
const transaction: fc.Arbitrary<Transaction> = fc.record({
  preconditions: fc.array(fc.record({ key, modRevision: revision }), { maxLength: 5 }),
  operations: fc.array(operation, { maxLength: 5 }),
});

const bytes = (text: string) => Buffer.from(text);

/** As etcd's own declaration names it. */
function declared({ preconditions, operations }: Transaction): object {
  return {
    compare: preconditions.map((each) => ({
      target: 'Mod',
      key: bytes(each.key),
      mod_revision: String(each.modRevision),
    })),
    success: operations.map((each) => {
      if (each.type === 'delete') return { request_delete_range: { key: bytes(each.key) } };
      const lease = each.lease ? { lease: each.lease } : {};
      return { request_put: { key: bytes(each.key), value: Buffer.from(each.value), ...lease } };
    }),
    failure: preconditions.map((each) => ({ request_range: { key: bytes(each.key) } })),
  };
}

const asSent = (message: object) => Txn!.requestDeserialize(Txn!.requestSerialize(message));

test('writes every transaction as it is declared', () => {
  fc.assert(
    fc.property(transaction, (each) => {
      const read = Txn!.requestDeserialize(encodeTransactions([each]));
      expect(read).toEqual(asSent(declared(each)));
    }),
  );
});

test('writes several as transactions of one', () => {
  fc.assert(
    fc.property(fc.array(transaction, { minLength: 2, maxLength: 6 }), (all) => {
      const success = all.map((each) => ({ request_txn: declared(each) }));
      const read = Txn!.requestDeserialize(encodeTransactions(all));
      expect(read).toEqual(asSent({ success }));
    }),
  );
});

const header = (at: bigint) => ({ cluster_id: '18446744073709551615', revision: String(at) });
const found = fc.option(
  fc.record({ key, value, create_revision: revision, mod_revision: revision }),
  { nil: undefined },
);

test('reads what became of each of them', () => {
  const outcome = fc.oneof(fc.constant(undefined), fc.array(found, { maxLength: 4 }));
  fc.assert(
    fc.property(revision, fc.array(outcome, { minLength: 1, maxLength: 5 }), (at, outcomes) => {
      const answers = outcomes.map((entries) => ({
        header: header(at),
        succeeded: entries === undefined,
        responses: (entries ?? []).map((one) => ({
          response_range: { header: header(at), kvs: one ? [wire(one)] : [] },
        })),
      }));
      const responses = answers.map((response_txn) => ({ response_txn }));
      const whole =
        answers.length === 1 ? answers[0]! : { header: header(at), succeeded: true, responses };
      const results = decodeTransactions(Txn!.responseSerialize(whole), outcomes.length);
      expect(results).toEqual(
        outcomes.map((entries) =>
          entries === undefined
            ? { committed: true, revision: at }
            : { committed: false, revision: at, failed: entries.map((one) => one && entry(one)) },
        ),
      );
    }),
  );
});

test('refuses an answer that leaves one out', () => {
  const answer = Txn!.responseSerialize({ header: header(1n), succeeded: true, responses: [] });
  expect(() => decodeTransactions(answer, 2)).toThrow('not every transaction is answered');
});

type Found = NonNullable<typeof found extends fc.Arbitrary<infer T> ? T : never>;

const wire = (one: Found) => ({
  key: bytes(one.key),
  value: Buffer.from(one.value),
  create_revision: String(one.create_revision),
  mod_revision: String(one.mod_revision),
});
const entry = (one: Found) => ({
  key: one.key,
  value: Buffer.from(one.value),
  createRevision: one.create_revision,
  modRevision: one.mod_revision,
});
