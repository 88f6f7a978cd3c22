import { createRequire } from 'node:module';
import type { ServiceDefinition } from '@grpc/grpc-js';
import { loadSync } from '@grpc/proto-loader';
import { expect, test, vi } from 'vitest';
import { TransactionBatches } from './transaction-batches.js';

const file = createRequire(import.meta.url).resolve('etcd3/proto/rpc.proto');
const { Txn } = loadSync(file, { keepCase: true })['etcdserverpb.KV'] as ServiceDefinition;

interface Sent {
  /** Transactions in the request. */
  readonly count: number;
  answer(): void;
  fail(): void;
}

/** An etcd that answers when it is told to. */
function started() {
  const sent: Sent[] = [];
  const batches = new TransactionBatches((request) => {
    const { success = [] } = Txn!.requestDeserialize(request) as {
      success?: { request_txn?: object }[];
    };
    const nested = success.filter(({ request_txn }) => request_txn);
    const { promise, resolve, reject } = Promise.withResolvers<Buffer>();
    const header = { revision: sent.length + 1 };
    const responses = nested.map(() => ({ response_txn: { header, succeeded: true } }));
    const answer = () => resolve(Txn!.responseSerialize({ header, succeeded: true, responses }));
    const fail = () => reject(new Error('no answer'));
    sent.push({ count: Math.max(1, nested.length), answer, fail });
    return promise;
  });
  let serial = 0;
  const write = (count: number) =>
    Array.from({ length: count }, () => {
      const key = `key-${serial++}`;
      const put = { type: 'put', key, value: Buffer.from('value') } as const;
      return batches.transact([{ key, modRevision: 0n }], [put]);
    });
  const counts = () => sent.map(({ count }) => count);
  return { sent, write, counts };
}

test('one that comes alone goes at once', async () => {
  const { sent, write, counts } = started();
  const [written] = write(1);
  expect(counts()).toEqual([1]);
  sent[0]!.answer();
  expect(await written).toEqual({ committed: true, revision: 1n });
});

test('those that come meanwhile go together when the one before is done', async () => {
  const { sent, write, counts } = started();
  const all = [...write(1), ...write(5)];
  expect(counts()).toEqual([1]);
  sent[0]!.answer();
  await vi.waitFor(() => expect(counts()).toEqual([1, 5]));
  sent[1]!.answer();
  const revisions = (await Promise.all(all)).map(({ revision }) => revision);
  expect(revisions).toEqual([1n, 2n, 2n, 2n, 2n, 2n]);
});

test('many do not wait for the one before, and a few not for long', async () => {
  const { sent, write, counts } = started();
  const all = [...write(1), ...write(12)];
  expect(counts()).toEqual([1, 12]);
  all.push(...write(2));
  expect(counts()).toEqual([1, 12]);
  // Nothing is answered: their time is over before.
  await vi.waitFor(() => expect(counts()).toEqual([1, 12, 2]));
  for (const each of sent) each.answer();
  await Promise.all(all);
});

test('a request without an answer fails those that shared it, and no others', async () => {
  const { sent, write, counts } = started();
  const [first, ...shared] = [...write(1), ...write(2)];
  sent[0]!.answer();
  await first;
  await vi.waitFor(() => expect(counts()).toEqual([1, 2]));
  sent[1]!.fail();
  for (const each of shared) await expect(each).rejects.toThrow('no answer');
  const [later] = write(1);
  await vi.waitFor(() => expect(sent).toHaveLength(3));
  sent[2]!.answer();
  expect(await later).toMatchObject({ committed: true });
});
