import { loadPackageDefinition, type ChannelOptions } from '@grpc/grpc-js';
import { fromJSON, type Options, type PackageDefinition } from '@grpc/proto-loader';
import type { ProtoGrpcType } from './gen/agent.js';
import descriptor from './gen/descriptor.js';

// Must agree with the flags in scripts/generate.mjs, or the types lie.
const loaderOptions: Options = { longs: Number, defaults: true, arrays: true, oneofs: true };

/** A larger message is a fault of its sender; snapshots are split well below this. */
export const maxMessageBytes = 16 * 1024 * 1024;

/** Notices a cut link within 15 s on either side (gRPC alone would take minutes). */
export const keepaliveOptions: ChannelOptions = {
  'grpc.keepalive_time_ms': 10_000,
  'grpc.keepalive_timeout_ms': 5_000,
  'grpc.keepalive_permit_without_calls': 1,
  'grpc.max_receive_message_length': maxMessageBytes,
  'grpc.max_send_message_length': maxMessageBytes,
};

export const packageName = 'gantry.agent.v1';

/** The protocol as proto-loader wants it; Nest takes it as `packageDefinition`. */
export function agentPackageDefinition(): PackageDefinition {
  return fromJSON(descriptor as Parameters<typeof fromJSON>[0], loaderOptions);
}

/** The client constructors and service definitions of the package. */
export function loadAgentProtocol(): ProtoGrpcType['gantry']['agent']['v1'] {
  const loaded = loadPackageDefinition(agentPackageDefinition()) as unknown as ProtoGrpcType;
  return loaded.gantry.agent.v1;
}

const nodeUser = 'system:node:';

/** The common name that a node's certificate carries. */
export function nodeCommonName(nodeName: string): string {
  return nodeUser + nodeName;
}

/** The node that a certificate's common name speaks for; undefined when it is no node's. */
export function nodeOfCommonName(commonName: string | undefined): string | undefined {
  if (!commonName?.startsWith(nodeUser)) return undefined;
  return commonName.slice(nodeUser.length) || undefined;
}
