import { GantryError } from '@gantry/base';
import type { Operation, Precondition } from './store.js';

/** Most operations, and most preconditions, of one transaction; etcd's own default. */
export const maxOperations = 128;

/** Most bytes of keys and values in one transaction, below etcd's default of 1.5 MiB a request. */
export const maxRequestBytes = 1_500_000;

/** What the operation weighs in a request. */
export function operationBytes(operation: Operation): number {
  const key = Buffer.byteLength(operation.key);
  return operation.type === 'put' ? key + operation.value.length : key;
}

/** Throws what etcd would refuse, before anything is sent, so that every store refuses the same. */
export function checkTransaction(
  preconditions: readonly Precondition[],
  operations: readonly Operation[],
): void {
  if (operations.length > maxOperations || preconditions.length > maxOperations) {
    const found = Math.max(operations.length, preconditions.length);
    throw new GantryError(
      'RequestEntityTooLarge',
      `transaction of ${found} operations is over the limit of ${maxOperations}`,
    );
  }
  const keys = new Set(operations.map((operation) => operation.key));
  if (keys.size < operations.length) throw new Error('a transaction names a key twice');
  if (keys.has('')) throw new Error('a transaction names an empty key');
  const total = operations.reduce((sum, operation) => sum + operationBytes(operation), 0);
  if (total > maxRequestBytes) {
    throw new GantryError(
      'RequestEntityTooLarge',
      `request of ${total} bytes is over the limit of ${maxRequestBytes} bytes`,
    );
  }
}

/** A read at a revision that the store has not reached. */
export function futureRevision(revision: bigint, current: bigint): GantryError {
  return new GantryError(
    'Timeout',
    `too large resource version: ${revision}, current: ${current}`,
    { retryAfterSeconds: 1 },
  );
}
