import * as grpc from '@grpc/grpc-js';
import { systemClock } from '@gantry/base';
import { Members } from './members.js';
import { encodeRange, type RangeRequest } from './request-messages.js';
import {
  decodeRangeAnswer,
  decodeWatchAnswer,
  type RangeAnswer,
  type WatchAnswer,
} from './raw-messages.js';

export interface EtcdCredentials {
  /** PEM. */
  readonly ca: Buffer;
  readonly certificate?: Buffer;
  readonly key?: Buffer;
}

/**
 * Notices a half-open link in 13 s at most, and reconnects without gRPC's long back-off. Pings only go with calls:
 * etcd hangs up on whoever pings it over an idle connection.
 */
export const channelOptions: grpc.ChannelOptions = {
  'grpc.keepalive_time_ms': 10_000,
  'grpc.keepalive_timeout_ms': 3_000,
  'grpc.initial_reconnect_backoff_ms': 200,
  'grpc.max_reconnect_backoff_ms': 2_000,
  'grpc.max_receive_message_length': 64 * 1024 * 1024,
  'grpc.max_send_message_length': 4 * 1024 * 1024,
};

const transactionPath = '/etcdserverpb.KV/Txn';
const rangePath = '/etcdserverpb.KV/Range';
const watchPath = '/etcdserverpb.Watch/Watch';

/** Lists come in pages of many megabytes: with the usual 64 KiB etcd would stop after every few frames. */
const readWindowBytes = 16 * 2 ** 20;

export interface RawKeyValue {
  key: Buffer;
  value: Buffer;
  create_revision: string;
  mod_revision: string;
  lease: string;
}

/** What is written is as it goes over the wire. */
export type WatchCall = grpc.ClientDuplexStream<Buffer, WatchAnswer>;

const pass = (bytes: Buffer) => bytes;

/** A member that does not answer, as opposed to one that refuses what it was asked. */
function isAway(error: unknown): boolean {
  const { code } = error as Partial<grpc.ServiceError>;
  return code === grpc.status.UNAVAILABLE || code === grpc.status.DEADLINE_EXCEEDED;
}

/** Own channels to etcd for what carries most bytes, one per endpoint, taken in turn. */
export class Connections {
  private readonly clients: grpc.Client[];
  private readonly writing: Members<grpc.Client>;
  private turn = 0;

  constructor(endpoints: readonly string[], credentials?: EtcdCredentials) {
    const channelCredentials = credentials
      ? grpc.credentials.createSsl(
          credentials.ca,
          credentials.key ?? null,
          credentials.certificate ?? null,
        )
      : grpc.credentials.createInsecure();
    this.clients = endpoints.map((endpoint) => {
      const address = endpoint.replace(/^https?:\/\//, '');
      return new grpc.Client(address, channelCredentials, {
        ...channelOptions,
        'grpc-node.flow_control_window': readWindowBytes,
      });
    });
    this.writing = new Members(this.clients, systemClock);
  }

  /** Opens a watch stream. */
  open(): WatchCall {
    return this.next().makeBidiStreamRequest(watchPath, pass, decodeWatchAnswer, withLeader(), {});
  }

  /** One page of a range; `timeoutMs` is all that it may take. */
  range(request: RangeRequest, timeoutMs: number): Promise<RangeAnswer> {
    const deadline = Date.now() + timeoutMs;
    return new Promise((resolve, reject) => {
      const answer = (error: grpc.ServiceError | null, page?: RangeAnswer) =>
        page ? resolve(page) : reject(error ?? new Error('etcd answered nothing'));
      const call = [
        rangePath,
        pass,
        decodeRangeAnswer,
        encodeRange(request),
        { deadline },
      ] as const;
      this.next().makeUnaryRequest(...call, answer);
    });
  }

  /** A transaction; request and answer are as they go over the wire. */
  transact(request: Buffer, timeoutMs: number): Promise<Buffer> {
    const deadline = Date.now() + timeoutMs;
    const call = (client: grpc.Client) =>
      new Promise<Buffer>((resolve, reject) => {
        const answer = (error: grpc.ServiceError | null, bytes?: Buffer) =>
          bytes ? resolve(bytes) : reject(error ?? new Error('etcd answered nothing'));
        client.makeUnaryRequest(transactionPath, pass, pass, request, { deadline }, answer);
      });
    return this.writing.call(call, isAway);
  }

  close(): void {
    for (const client of this.clients) client.close();
  }

  private next(): grpc.Client {
    const client = this.clients[this.turn % this.clients.length] as grpc.Client;
    this.turn += 1;
    return client;
  }
}

/** `hasleader` makes a member that lost its cluster end a stream instead of falling silent. */
function withLeader(): grpc.Metadata {
  const metadata = new grpc.Metadata();
  metadata.set('hasleader', 'true');
  return metadata;
}
