import type { Metadata } from '@grpc/grpc-js';
import { nodeOfCommonName } from '@gantry/agent-protocol';
import { GantryError } from '@gantry/base';

/** The part of a gRPC call that tells who is at the other end. */
export interface AuthenticatedCall {
  getAuthContext(): { sslPeerCertificate?: { subject: { CN?: string | string[] } } };
}

/** A refusal that grpc-js sends as it is. */
export class GrpcError extends Error {
  readonly metadata?: Metadata;

  constructor(
    readonly code: number,
    readonly details: string,
  ) {
    super(details);
  }
}

/** The node whose certificate the caller has shown; Unauthorized without a valid one. */
export function callingNode(call: AuthenticatedCall): string {
  // The context is empty unless the certificate was signed by the cluster's CA and is in force.
  const { CN } = call.getAuthContext().sslPeerCertificate?.subject ?? {};
  const node = nodeOfCommonName([CN].flat()[0]);
  if (node) return node;
  const message = 'a client certificate of a node (system:node:NAME) is needed: join again';
  throw new GantryError('Unauthorized', message);
}
