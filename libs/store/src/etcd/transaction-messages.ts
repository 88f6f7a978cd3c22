import type { Entry, Operation, Precondition, Revision, TransactionResult } from '../store.js';
import { decodeRangeAnswer, fields, headerRevision, Reader } from './raw-messages.js';

/** One transaction: what is written when all preconditions hold. */
export interface Transaction {
  readonly preconditions: readonly Precondition[];
  readonly operations: readonly Operation[];
}

const compareModRevision = 2;
const [varintType, bytesType] = [0, 2];

function varint(value: bigint): Buffer {
  const bytes: number[] = [];
  let rest = BigInt.asUintN(64, value);
  for (; rest > 0x7fn; rest >>= 7n) bytes.push(Number(rest & 0x7fn) | 0x80);
  bytes.push(Number(rest));
  return Buffer.from(bytes);
}

/**
 * A protocol buffer in the making (protobuf.dev, "Encoding"), as the pieces that it is put together from. By hand, as
 * what comes back is: a general encoder takes longer for a transaction than etcd does.
 */
class Message {
  readonly pieces: Uint8Array[] = [];
  length = 0;

  number(field: number, value: bigint): this {
    return this.add(Buffer.of((field << 3) | varintType)).add(varint(value));
  }

  bytes(field: number, value: Uint8Array): this {
    return this.head(field, value.length).add(value);
  }

  message(field: number, { pieces, length }: Message): this {
    this.head(field, length);
    for (const piece of pieces) this.add(piece);
    return this;
  }

  toBuffer(): Buffer {
    return Buffer.concat(this.pieces, this.length);
  }

  private head(field: number, length: number): this {
    const tag = (field << 3) | bytesType;
    if (length < 0x80) return this.add(Buffer.of(tag, length));
    if (length < 0x4000) return this.add(Buffer.of(tag, (length & 0x7f) | 0x80, length >> 7));
    return this.add(Buffer.of(tag)).add(varint(BigInt(length)));
  }

  private add(piece: Uint8Array): this {
    this.pieces.push(piece);
    this.length += piece.length;
    return this;
  }
}

function operationMessage(operation: Operation): Message {
  const body = new Message().bytes(1, Buffer.from(operation.key));
  if (operation.type === 'delete') return new Message().message(3, body);
  body.bytes(2, operation.value);
  if (operation.lease) body.number(3, BigInt(operation.lease));
  return new Message().message(2, body);
}

/** The guards, the writes, and for the case that a guard fails the reads of what is there. */
function transactionMessage({ preconditions, operations }: Transaction): Message {
  const message = new Message();
  const keys = preconditions.map(({ key }) => Buffer.from(key));
  preconditions.forEach(({ modRevision }, i) => {
    const compare = new Message().number(2, BigInt(compareModRevision)).bytes(3, keys[i]!);
    message.message(1, compare.number(6, modRevision));
  });
  for (const operation of operations) message.message(2, operationMessage(operation));
  for (const key of keys) {
    message.message(3, new Message().message(1, new Message().bytes(1, key)));
  }
  return message;
}

/** etcdserverpb.TxnRequest of one transaction, or of several that are nested in it. */
export function encodeTransactions(transactions: readonly Transaction[]): Buffer {
  const [only] = transactions;
  if (transactions.length === 1) return transactionMessage(only!).toBuffer();
  const outer = new Message();
  for (const each of transactions) {
    outer.message(2, new Message().message(4, transactionMessage(each)));
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

function outcomeOf(reader: Reader): Outcome {
  const outcome: Outcome = { revision: 0n, succeeded: false, found: [], nested: [] };
  fields(reader, (field) => {
    if (field === 1) outcome.revision = headerRevision(reader.message());
    else if (field === 2) outcome.succeeded = reader.number() !== 0;
    else if (field === 3) takeResponse(reader.message(), outcome);
    else return false;
    return true;
  });
  return outcome;
}

function takeResponse(reader: Reader, { found, nested }: Outcome): void {
  fields(reader, (field) => {
    if (field === 1) found.push(decodeRangeAnswer(reader.blob()).entries[0]);
    else if (field === 4) nested.push(outcomeOf(reader.message()));
    else return false;
    return true;
  });
}

/** What etcdserverpb.TxnResponse says of each of `count` transactions; throws when it is no such message. */
export function decodeTransactions(bytes: Buffer, count: number): TransactionResult[] {
  const outcome = outcomeOf(new Reader(bytes));
  const { revision } = outcome;
  const outcomes = count === 1 ? [outcome] : outcome.nested;
  if (outcomes.length !== count) {
    throw new Error('etcd sent a damaged message: not every transaction is answered');
  }
  return outcomes.map(({ succeeded, found }) =>
    succeeded ? { committed: true, revision } : { committed: false, revision, failed: found },
  );
}
