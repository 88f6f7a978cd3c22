import * as grpc from '@grpc/grpc-js';
import * as protoLoader from '@grpc/proto-loader';
import { agentPackageDefinition, keepaliveOptions, packageName } from '@gantry/agent-protocol';
import { ServerGrpc } from '@nestjs/microservices';
import type { Pki } from './auth/pki.js';

const grpcPackages: Readonly<Record<string, unknown>> = {
  '@grpc/grpc-js': grpc,
  '@grpc/proto-loader': protoLoader,
};

/**
 * Nest's gRPC server with TLS whose certificates are renewed while it runs. Client certificates are
 * asked for but not demanded, because Join comes without one: handlers must check what they were
 * given.
 */
export class GatewayServer extends ServerGrpc {
  /** The port in use, once it listens. */
  port = 0;

  constructor(
    private readonly address: string,
    private readonly pki: Pki,
  ) {
    super({ package: packageName, packageDefinition: agentPackageDefinition() });
    // What fails is thrown or logged by us; gRPC would write lines of its own to stderr.
    grpc.setLogVerbosity(grpc.logVerbosity.NONE);
  }

  /** gRPC as it is loaded already: Nest would look it up again, and beside a bundle load it a second time. */
  protected override loadPackageSynchronously<T>(name: string, ctx: string, load?: () => T): T {
    return (grpcPackages[name] as T) ?? super.loadPackageSynchronously(name, ctx, load);
  }

  override async createClient(): Promise<grpc.Server> {
    const server = new grpc.Server(keepaliveOptions);
    this.port = await new Promise<number>((resolve, reject) => {
      server.bindAsync(this.address, gatewayCredentials(this.pki), (error, port) =>
        error ? reject(this.listenError(error)) : resolve(port),
      );
    });
    return server;
  }

  private listenError(error: Error): Error {
    const why = /EADDRINUSE/.test(error.message) ? 'another program listens there' : error.message;
    const next = 'choose another with --gateway-port';
    return new Error(`listen on ${this.address}: ${why}; ${next}`);
  }
}

// grpc-js registers who is to hear of a certificate only after it asked for it, so an answer within
// the call
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
