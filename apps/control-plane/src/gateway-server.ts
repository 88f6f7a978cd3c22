import * as grpc from '@grpc/grpc-js';
import { agentPackageDefinition, keepaliveOptions, packageName } from '@gantry/agent-protocol';
import { ServerGrpc } from '@nestjs/microservices';
import type { Pki } from './auth/pki.js';

/**
 * Nest's gRPC server with TLS whose certificates are renewed while it runs. Client certificates are
 * asked for but not demanded, because Join comes without one: handlers must check what they were given.
 */
export class GatewayServer extends ServerGrpc {
  /** The port in use, once it listens. */
  port = 0;

  constructor(
    private readonly address: string,
    private readonly pki: Pki,
  ) {
    super({ package: packageName, packageDefinition: agentPackageDefinition() });
  }

  override async createClient(): Promise<grpc.Server> {
    const server = new grpc.Server(keepaliveOptions);
    this.port = await new Promise<number>((resolve, reject) => {
      server.bindAsync(this.address, gatewayCredentials(this.pki), (error, port) =>
        error ? reject(new Error(`listen on ${this.address}: ${error.message}`)) : resolve(port),
      );
    });
    return server;
  }
}

// grpc-js registers who is to hear of a certificate only after it asked for it, so an answer within the call
// would be lost and every connection refused.
function gatewayCredentials(pki: Pki): grpc.ServerCredentials {
  const stopped = new Map<unknown, () => void>();
  const remove = (listener: unknown) => {
    stopped.get(listener)?.();
    stopped.delete(listener);
  };
  const provider: grpc.experimental.CertificateProvider = {
    addCaCertificateListener(listener) {
      const tell = () => listener({ caCertificate: Buffer.from(pki.caPem) });
      queueMicrotask(tell);
    },
    removeCaCertificateListener: remove,
    addIdentityCertificateListener(listener) {
      const tell = () => {
        const { certificatePem, keyPem } = pki.serving;
        listener({ certificate: Buffer.from(certificatePem), privateKey: Buffer.from(keyPem) });
      };
      stopped.set(listener, pki.onRenewed(tell));
      queueMicrotask(tell);
    },
    removeIdentityCertificateListener: remove,
  };
  return grpc.experimental.createCertificateProviderServerCredentials(provider, provider, false);
}
