import { createRequire } from 'node:module';
import * as grpc from '@grpc/grpc-js';
import { loadSync } from '@grpc/proto-loader';

export interface EtcdCredentials {
  /** PEM. */
  readonly ca: Buffer;
  readonly certificate?: Buffer;
  readonly key?: Buffer;
}

/** Notices a half-open link in 13 s at most, and reconnects without gRPC's long back-off. */
export const channelOptions: grpc.ChannelOptions = {
  'grpc.keepalive_time_ms': 10_000,
  'grpc.keepalive_timeout_ms': 3_000,
  'grpc.keepalive_permit_without_calls': 1,
  'grpc.initial_reconnect_backoff_ms': 200,
  'grpc.max_reconnect_backoff_ms': 2_000,
  'grpc.max_receive_message_length': 64 * 1024 * 1024,
  'grpc.max_send_message_length': 4 * 1024 * 1024,
};

// etcd3 ships the .proto files it was made from; the watch RPC needs nothing newer.
const protoFile = createRequire(import.meta.url).resolve('etcd3/proto/rpc.proto');

export interface RawKeyValue {
  key: Buffer;
  value: Buffer;
  create_revision: string;
  mod_revision: string;
  lease: string;
}

export interface RawWatchResponse {
  header: { revision: string };
  created: boolean;
  canceled: boolean;
  compact_revision: string;
  cancel_reason: string;
  fragment: boolean;
  events: { type: 'Put' | 'Delete'; kv: RawKeyValue; prev_kv?: RawKeyValue | null }[];
}

export type WatchCall = grpc.ClientDuplexStream<object, RawWatchResponse>;

interface WatchClient extends grpc.Client {
  watch(metadata: grpc.Metadata): WatchCall;
}

/** Own channels to etcd's Watch service, one per endpoint, taken in turn. */
export class WatchConnections {
  private readonly clients: WatchClient[];
  private turn = 0;

  constructor(endpoints: readonly string[], credentials?: EtcdCredentials) {
    const definition = loadSync(protoFile, {
      keepCase: true,
      longs: String,
      enums: String,
      defaults: true,
    });
    const root = grpc.loadPackageDefinition(definition) as unknown as {
      etcdserverpb: { Watch: new (...args: unknown[]) => WatchClient };
    };
    const channelCredentials = credentials
      ? grpc.credentials.createSsl(
          credentials.ca,
          credentials.key ?? null,
          credentials.certificate ?? null,
        )
      : grpc.credentials.createInsecure();
    this.clients = endpoints.map((endpoint) => {
      const address = endpoint.replace(/^https?:\/\//, '');
      return new root.etcdserverpb.Watch(address, channelCredentials, channelOptions);
    });
  }

  /**
   * Opens a stream; `hasleader` makes a member that lost its cluster end it instead of falling
   * silent.
   */
  open(): WatchCall {
    const client = this.clients[this.turn % this.clients.length] as WatchClient;
    this.turn += 1;
    const metadata = new grpc.Metadata();
    metadata.set('hasleader', 'true');
    return client.watch(metadata);
  }

  close(): void {
    for (const client of this.clients) client.close();
  }
}
