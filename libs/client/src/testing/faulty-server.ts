import { once } from 'node:events';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer, type Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import type { ClusterConfig } from '../cluster.js';
import type { TestCertificates } from './test-certificates.js';

export type Handler = (request: IncomingMessage, response: ServerResponse) => void;

/** An HTTPS server that answers by a script, one handler per request, the last for all further ones. */
export class FaultyServer {
  readonly requests: string[] = [];
  script: Handler[] = [];

  private constructor(
    readonly server: Server,
    private readonly certificates: TestCertificates,
  ) {
    server.on('request', (request, response) => {
      this.requests.push(`${request.method} ${request.url}`);
      const handler = this.script.length > 1 ? this.script.shift() : this.script[0];
      if (handler) handler(request, response);
      else response.writeHead(404).end();
    });
  }

  static async start(certificates: TestCertificates): Promise<FaultyServer> {
    const server = createServer({
      ...certificates.server,
      ca: certificates.ca,
      requestCert: true,
      rejectUnauthorized: true,
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    return new FaultyServer(server, certificates);
  }

  get cluster(): ClusterConfig {
    const { port } = this.server.address() as AddressInfo;
    const { ca, client } = this.certificates;
    return {
      server: `https://127.0.0.1:${port}`,
      caPem: ca,
      certPem: client.cert,
      keyPem: client.key,
    };
  }

  reset(...script: Handler[]): void {
    this.requests.length = 0;
    this.script = script;
  }

  async close(): Promise<void> {
    this.server.closeAllConnections();
    await new Promise((resolve) => {
      this.server.close(resolve);
    });
  }
}

export const json =
  (body: unknown, code = 200, headers: Record<string, string> = {}): Handler =>
  (_, response) =>
    response
      .writeHead(code, { 'content-type': 'application/json', ...headers })
      .end(JSON.stringify(body));

export const cut: Handler = (request) => request.socket.destroy();
