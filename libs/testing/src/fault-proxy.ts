import http from 'node:http';
import type { AddressInfo } from 'node:net';

/** What a fault does instead of, or to, the true answer; undefined lets the request through. */
export type Fault =
  | { readonly status: number; readonly headers?: Readonly<Record<string, string>> }
  | { readonly cutAfter: number }
  | { readonly body: Uint8Array }
  | { readonly bytesPerSecond: number };

export interface ProxyRequest {
  readonly method: string;
  readonly path: string;
  readonly headers: http.IncomingHttpHeaders;
}

/** A loopback HTTP proxy before a registry that fails as a test wants, and remembers what was asked. */
export class FaultProxy {
  readonly requests: ProxyRequest[] = [];
  /** Bytes of bodies that were passed on. */
  bytesSent = 0;
  fault: (request: ProxyRequest) => Fault | undefined = () => undefined;
  private port = 0;
  private readonly server = http.createServer((request, response) =>
    this.handle(request, response),
  );

  private constructor(private readonly target: string) {}

  static async start(target: string): Promise<FaultProxy> {
    const proxy = new FaultProxy(target);
    await new Promise<void>((resolve) => {
      proxy.server.listen(0, '127.0.0.1', resolve);
    });
    return proxy;
  }

  get host(): string {
    return `127.0.0.1:${(this.server.address() as AddressInfo | null)?.port ?? this.port}`;
  }

  /** Breaks off every transfer and takes no further connection until `mend`. */
  async cut(): Promise<void> {
    this.port = (this.server.address() as AddressInfo).port;
    await this.close();
  }

  async mend(): Promise<void> {
    await new Promise<void>((resolve) => {
      this.server.listen(this.port, '127.0.0.1', resolve);
    });
  }

  /** Paths that were asked for with GET and hold the text. */
  gets(text: string): ProxyRequest[] {
    return this.requests.filter(({ method, path }) => method === 'GET' && path.includes(text));
  }

  async close(): Promise<void> {
    this.server.closeAllConnections();
    await new Promise<void>((resolve) => {
      this.server.close(() => resolve());
    });
  }

  private handle(request: http.IncomingMessage, response: http.ServerResponse): void {
    const { method = 'GET', url: path = '/', headers } = request;
    const asked = { method, path, headers };
    this.requests.push(asked);
    const fault = this.fault(asked);
    if (fault && 'status' in fault) {
      response.writeHead(fault.status, fault.headers).end();
      return;
    }
    if (fault && 'body' in fault) {
      response.writeHead(200, { 'content-length': fault.body.length }).end(fault.body);
      return;
    }
    const options = { method, headers: { ...headers, host: this.target } };
    const forward = http.request(`http://${this.target}${path}`, options, (answer) => {
      response.writeHead(answer.statusCode ?? 502, answer.headers);
      this.pass(answer, response, fault).catch(() => response.destroy());
    });
    forward.on('error', () => response.destroy());
    request.pipe(forward);
  }

  private async pass(
    answer: http.IncomingMessage,
    response: http.ServerResponse,
    fault: Fault | undefined,
  ): Promise<void> {
    let left = fault && 'cutAfter' in fault ? fault.cutAfter : Infinity;
    for await (const chunk of answer as AsyncIterable<Buffer>) {
      if (response.destroyed) return;
      const part = chunk.subarray(0, left);
      left -= part.length;
      this.bytesSent += part.length;
      await new Promise((resolve) => {
        response.write(part, resolve);
      });
      if (left === 0) {
        response.destroy();
        return;
      }
      if (fault && 'bytesPerSecond' in fault)
        await pause((part.length * 1000) / fault.bytesPerSecond);
    }
    response.end();
  }
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => {
    setTimeout(resolve, ms);
  });
}
