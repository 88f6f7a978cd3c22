import { eachField, ProtobufWriter, type ProtobufReader } from '@gantry/base';
import type { Entry, Operation, Precondition, Revision, TransactionResult } from '../store.js';
import { headerRevision, rangeAnswer, readMessage } from './raw-messages.js';

/** One transaction: what is written when all preconditions hold. */
export interface Transaction {
  readonly preconditions: readonly Precondition[];
  readonly operations: readonly Operation[];
}

const compareModRevision = 2;

function operationMessage(operation: Operation): ProtobufWriter {
  const body = new ProtobufWriter().bytes(1, Buffer.from(operation.key));
  if (operation.type === 'delete') return new ProtobufWriter().message(3, body);
  body.bytes(2, operation.value);
  if (operation.lease) body.number(3, BigInt(operation.lease));
  return new ProtobufWriter().message(2, body);
}

/** The guards, the writes, and for the case that a guard fails the reads of what is there. */
function transactionMessage({ preconditions, operations }: Transaction): ProtobufWriter {
  const message = new ProtobufWriter();
  const keys = preconditions.map(({ key }) => Buffer.from(key));
  preconditions.forEach(({ modRevision }, i) => {
    const compare = new ProtobufWriter().number(2, BigInt(compareModRevision)).bytes(3, keys[i]!);
    message.message(1, compare.number(6, modRevision));
  });
  for (const operation of operations) message.message(2, operationMessage(operation));
  for (const key of keys) {
    message.message(3, new ProtobufWriter().message(1, new ProtobufWriter().bytes(1, key)));
  }
  return message;
}

/** etcdserverpb.TxnRequest of one transaction, or of several that are nested in it. */
export function encodeTransactions(transactions: readonly Transaction[]): Buffer {
  const [only] = transactions;
  if (transactions.length === 1) return transactionMessage(only!).toBuffer();
  const outer = new ProtobufWriter();
  for (const each of transactions) {
    outer.message(2, new ProtobufWriter().message(4, transactionMessage(each)));
  }
  return outer.toBuffer();
}

interface Outcome {
  revision: Revision;
  succeeded: boolean;
  /** Of the reads of a transaction that failed. */
  readonly found: (Entry | undefined)[];
  readonly nested: Outcome[];
}

function outcomeOf(reader: ProtobufReader): Outcome {
  const outcome: Outcome = { revision: 0n, succeeded: false, found: [], nested: [] };
  eachField(reader, (field) => {
    if (field === 1) outcome.revision = headerRevision(reader.message());
    else if (field === 2) outcome.succeeded = reader.number() !== 0;
    else if (field === 3) takeResponse(reader.message(), outcome);
    else return false;
    return true;
  });
  return outcome;
}

function takeResponse(reader: ProtobufReader, { found, nested }: Outcome): void {
  eachField(reader, (field) => {
    if (field === 1) found.push(rangeAnswer(reader.message()).entries[0]);
    else if (field === 4) nested.push(outcomeOf(reader.message()));
    else return false;
    return true;
  });
}

/** What etcdserverpb.TxnResponse says of each of `count` transactions; throws when it is no such message. */
export function decodeTransactions(bytes: Buffer, count: number): TransactionResult[] {
  const outcome = readMessage(bytes, outcomeOf);
  const { revision } = outcome;
  const outcomes = count === 1 ? [outcome] : outcome.nested;
  if (outcomes.length !== count) {
    throw new Error('etcd sent a damaged message: not every transaction is answered');
  }
  return outcomes.map(({ succeeded, found }) =>
    succeeded ? { committed: true, revision } : { committed: false, revision, failed: found },
  );
}
