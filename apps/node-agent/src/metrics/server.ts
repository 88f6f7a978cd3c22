import { createServer, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Registry } from 'prom-client';

export interface HealthServerOptions {
  readonly port: number;
  readonly registry: Registry;
  /** Why the agent is not ready; undefined when it is. */
  readonly notReady: () => string | undefined;
}

function answer(response: ServerResponse, code: number, type: string, body: string): void {
  response.writeHead(code, { 'content-type': type });
  response.end(body);
}

/** /metrics, /healthz and /readyz on 127.0.0.1 only; nothing on it tells about pods' content. */
export class HealthServer {
  private readonly server: Server;

  constructor(private readonly options: HealthServerOptions) {
    this.server = createServer((request, response) => {
      this.serve(request.url ?? '', response).catch((error: unknown) => {
        answer(response, 500, 'text/plain', `${String(error)}\n`);
      });
    });
  }

  /** Resolves with the port it listens on. */
  listen(): Promise<number> {
    const { port } = this.options;
    return new Promise((resolve, reject) => {
      this.server.once('error', (error: NodeJS.ErrnoException) => {
        const taken = error.code === 'EADDRINUSE';
        const hint = `--metrics-port ${port} is taken on 127.0.0.1; choose another, or 0 for any`;
        reject(taken ? new Error(hint, { cause: error }) : error);
      });
      this.server.listen(port, '127.0.0.1', () => {
        resolve((this.server.address() as AddressInfo).port);
      });
    });
  }

  async close(): Promise<void> {
    this.server.closeAllConnections();
    await new Promise<void>((resolve) => this.server.close(() => resolve()));
  }

  private async serve(url: string, response: ServerResponse): Promise<void> {
    const { registry, notReady } = this.options;
    if (url === '/metrics') {
      return answer(response, 200, registry.contentType, await registry.metrics());
    }
    if (url === '/healthz') return answer(response, 200, 'text/plain', 'ok\n');
    if (url !== '/readyz') return answer(response, 404, 'text/plain', 'not found\n');
    const why = notReady();
    return answer(response, why ? 503 : 200, 'text/plain', `${why ?? 'ok'}\n`);
  }
}
