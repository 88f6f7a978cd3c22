import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';

/** A loopback TCP proxy whose link a test can cut, freeze and heal. */
export class TcpProxy {
  private readonly pairs = new Set<[Socket, Socket]>();
  private refusing = false;
  private frozen = false;

  private constructor(
    private readonly server: Server,
    private readonly targetPort: number,
  ) {}

  /** Listens on a free port and forwards to `targetPort` of 127.0.0.1; the caller closes it. */
  static async start(targetPort: number): Promise<TcpProxy> {
    const server = createServer();
    const proxy = new TcpProxy(server, targetPort);
    server.on('connection', (socket) => proxy.accept(socket));
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject).listen(0, '127.0.0.1', resolve);
    });
    return proxy;
  }

  get port(): number {
    return (this.server.address() as AddressInfo).port;
  }

  get endpoint(): string {
    return `http://127.0.0.1:${this.port}`;
  }

  /** Resets all connections; new ones are let through. */
  cut(): void {
    for (const pair of this.pairs) for (const socket of pair) socket.resetAndDestroy();
    this.pairs.clear();
  }

  /** Resets all connections and every new one, until `heal`. */
  refuse(): void {
    this.refusing = true;
    this.cut();
  }

  /** Swallows all traffic without closing anything (a half-open link), until `heal`. */
  freeze(): void {
    this.frozen = true;
    for (const pair of this.pairs) for (const socket of pair) socket.pause();
  }

  /** Lets new connections through; what was frozen stays silent without being closed. */
  thaw(): void {
    this.frozen = false;
  }

  /** Lets new connections through; what was frozen is reset. */
  heal(): void {
    this.refusing = false;
    for (const [client] of this.pairs) if (client.isPaused()) this.cut();
    this.frozen = false;
  }

  async close(): Promise<void> {
    this.refuse();
    await new Promise<void>((resolve) => {
      this.server.close(() => resolve());
    });
  }

  private accept(client: Socket): void {
    if (this.refusing) {
      client.on('error', () => {}).resetAndDestroy();
      return;
    }
    const server = connect(this.targetPort, '127.0.0.1');
    const pair: [Socket, Socket] = [client, server];
    this.pairs.add(pair);
    const drop = () => {
      this.pairs.delete(pair);
      client.destroy();
      server.destroy();
    };
    client
      .on('error', drop)
      .on('close', drop)
      .on('data', (chunk) => server.write(chunk));
    server
      .on('error', drop)
      .on('close', drop)
      .on('data', (chunk) => client.write(chunk));
    if (this.frozen) for (const socket of pair) socket.pause();
  }
}
