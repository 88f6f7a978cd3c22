import { Backoff, systemClock, unavailable, type Clock, type Logger } from '@gantry/base';
import { LauncherConnection, openSocket } from './launcher-connection.js';
import { runPaths, startLauncher } from './launcher-process.js';
import type { ExitRecord } from './messages.js';

export interface LauncherOptions {
  readonly nativeDir: string;
  readonly runDir: string;
  readonly logger: Logger;
  readonly clock?: Clock;
}

/**
 * Our lasting relation to the launcher: connected and subscribed to exits, started when it does
 * not run, and found again when it was lost. Each exit is told once to each listener.
 */
export class Launcher {
  readonly socketPath: string;
  private connection: LauncherConnection | undefined;
  private opening: Promise<LauncherConnection> | undefined;
  private readonly listeners = new Set<(exit: ExitRecord) => void>();
  /** Of containers that are not forgotten yet: as many as the launcher keeps. */
  private readonly exits = new Map<string, ExitRecord>();
  private readonly backoff = new Backoff({ baseMs: 50, maxMs: 2000 });
  private cancelRetry: (() => void) | undefined;
  private closed = false;

  constructor(private readonly options: LauncherOptions) {
    this.socketPath = runPaths(options.runDir).socket;
  }

  /** One request; connects first when needed. Rejects as unavailable when the launcher is lost. */
  async request(op: string, fields: object = {}): Promise<unknown> {
    return (await this.connect()).request(op, fields);
  }

  /** The connection that stands, or one attempt that is shared among all who wait for it. */
  connect(): Promise<LauncherConnection> {
    if (this.connection) return Promise.resolve(this.connection);
    if (this.closed) return Promise.reject(unavailable('gantry-monitor: this client is closed'));
    this.opening ??= this.open().finally(() => (this.opening = undefined));
    return this.opening;
  }

  /** Tells exits from now on, and those of containers that are not forgotten. */
  onExit(listener: (exit: ExitRecord) => void): () => void {
    this.listeners.add(listener);
    const known = [...this.exits.values()];
    queueMicrotask(() => {
      for (const exit of known) if (this.listeners.has(listener)) this.tell(listener, exit);
    });
    return () => this.listeners.delete(listener);
  }

  /** Resolves when the container has ended; rejects with the signal's reason. */
  exitOf(containerId: string, signal: AbortSignal): Promise<ExitRecord> {
    return new Promise((resolve, reject) => {
      const stop = this.onExit((exit) => {
        if (exit.containerId !== containerId) return;
        stop();
        signal.removeEventListener('abort', onAbort);
        resolve(exit);
      });
      const onAbort = () => {
        stop();
        reject(signal.reason);
      };
      signal.addEventListener('abort', onAbort, { once: true });
    });
  }

  /** Its id may be used again from here on. */
  forget(containerId: string): void {
    this.exits.delete(containerId);
  }

  close(): void {
    this.closed = true;
    this.cancelRetry?.();
    this.connection?.close();
    this.listeners.clear();
  }

  private async open(): Promise<LauncherConnection> {
    const socket = await this.reach();
    const connection = new LauncherConnection(socket, {
      onExit: (exit) => this.onExitEvent(exit),
      onClose: (cause) => this.onLost(connection, cause),
    });
    await connection.request('subscribe');
    if (this.closed) connection.close();
    this.connection = connection;
    this.backoff.reset();
    return connection;
  }

  private async reach() {
    try {
      return await openSocket(this.socketPath);
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      if (code !== 'ENOENT' && code !== 'ECONNREFUSED') {
        throw unavailable(`connect to ${this.socketPath}`, { cause: error });
      }
    }
    this.options.logger.info({ socket: this.socketPath }, 'starting gantry-monitor');
    await startLauncher(this.options.nativeDir, this.options.runDir);
    return openSocket(this.socketPath).catch((cause: Error) => {
      throw unavailable(`connect to ${this.socketPath}`, { cause });
    });
  }

  private onLost(connection: LauncherConnection, cause: Error): void {
    if (this.connection === connection) this.connection = undefined;
    if (this.closed) return;
    this.options.logger.warn({ err: cause }, 'lost gantry-monitor; containers run on');
    this.retry();
  }

  private retry(): void {
    if (this.closed || this.cancelRetry) return;
    const clock = this.options.clock ?? systemClock;
    this.cancelRetry = clock.after(this.backoff.next(), () => {
      this.cancelRetry = undefined;
      if (this.connection || this.closed) return;
      this.connect().catch((err: unknown) => {
        this.options.logger.error({ err }, 'gantry-monitor cannot be reached');
        this.retry();
      });
    });
  }

  private onExitEvent(exit: ExitRecord): void {
    // A new connection tells again what an earlier one may have told.
    if (this.exits.get(exit.containerId)?.finishedAt === exit.finishedAt) return;
    this.exits.set(exit.containerId, exit);
    for (const listener of this.listeners) this.tell(listener, exit);
  }

  private tell(listener: (exit: ExitRecord) => void, exit: ExitRecord): void {
    try {
      listener(exit);
    } catch (err) {
      this.options.logger.error({ err, containerId: exit.containerId }, 'exit listener failed');
    }
  }
}
