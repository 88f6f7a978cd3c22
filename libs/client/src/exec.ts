import { unavailable } from '@gantry/base';
import type { Status } from '@gantry/api-machinery';
import { text } from 'node:stream/consumers';
import type { ClientOptions, WebSocket } from 'ws';
import type { ApiClient } from './api-client.js';
import { errorFromAnswer, errorFromStatus, errorFromTransport } from './failure.js';
import { queryText } from './resource.js';
import { authorization, tlsOptions } from './transport.js';

/** Who takes what a stream brings. */
export interface StreamOptions {
  /** Takes stdout; with a terminal also stderr. */
  readonly onStdout: (chunk: Buffer) => void;
  readonly onStderr: (chunk: Buffer) => void;
  readonly signal?: AbortSignal;
}

export interface ExecOptions extends StreamOptions {
  readonly namespace: string;
  readonly pod: string;
  readonly container?: string;
  readonly command: readonly string[];
  readonly stdin?: boolean;
  readonly tty?: boolean;
}

const channels = { stdin: 0, stdout: 1, stderr: 2, status: 3, resize: 4, close: 255 } as const;
const protocols = ['v5.channel.k8s.io', 'v4.channel.k8s.io'];
const handshakeTimeoutMs = 30_000;
const maxBufferedBytes = 1024 * 1024;

/** Exit code of a command from the Status that ends the stream; refusals are thrown. */
export function exitCodeOf(status: Status): number {
  if (status.status === 'Success') return 0;
  if (status.reason !== 'NonZeroExitCode') throw errorFromStatus(status);
  const cause = status.details?.causes?.find(({ reason }) => reason === 'ExitCode');
  return Number(cause?.message ?? 1);
}

/** A command that runs in a container, over the WebSocket protocol v5.channel.k8s.io. */
export class ExecSession {
  /** The command's exit code; rejects when the stream ends without one. */
  readonly exitCode: Promise<number>;

  private constructor(
    private readonly socket: WebSocket,
    server: string,
    options: StreamOptions,
  ) {
    this.exitCode = new Promise((resolve, reject) => {
      let ended = false;
      const end = (finish: () => void) => {
        if (ended) return;
        ended = true;
        finish();
        socket.close(1000);
      };
      socket.on('message', (data) => {
        const frame = data as Buffer;
        const payload = frame.subarray(1);
        if (frame[0] === channels.stdout) options.onStdout(payload);
        else if (frame[0] === channels.stderr) options.onStderr(payload);
        else if (frame[0] === channels.status && payload.length > 0) {
          end(() => {
            try {
              resolve(exitCodeOf(JSON.parse(payload.toString()) as Status));
            } catch (error) {
              reject(error);
            }
          });
        }
      });
      socket.on('error', (error) => end(() => reject(errorFromTransport(server, error))));
      socket.on('close', (code) =>
        end(() => reject(unavailable(`the connection to the container was cut (code ${code})`))),
      );
    });
    // Whoever opens the session awaits the code; until then a rejection is no bug.
    this.exitCode.catch(() => undefined);
  }

  /** Opens the stream; fails with the server's Status when it is refused. */
  static open(client: ApiClient, options: ExecOptions): Promise<ExecSession> {
    const { namespace, pod, container, command, stdin, tty } = options;
    const query = queryText({ container, command, stdin, stdout: true, stderr: !tty, tty });
    const path = `/api/v1/namespaces/${encodeURIComponent(namespace)}/pods/${encodeURIComponent(pod)}/exec`;
    return ExecSession.openPath(client, path + query, options);
  }

  /** Opens the stream of another path that speaks the same protocol. */
  static openPath(client: ApiClient, path: string, options: StreamOptions): Promise<ExecSession> {
    const { cluster } = client;
    const url = cluster.server.replace(/^http/, 'ws') + path;
    return ExecSession.connect(cluster.server, url, options, {
      ...(tlsOptions(cluster) as ClientOptions),
      headers: authorization(cluster),
      handshakeTimeout: handshakeTimeoutMs,
      perMessageDeflate: false,
    });
  }

  private static async connect(
    server: string,
    url: string,
    options: StreamOptions,
    socketOptions: ClientOptions,
  ): Promise<ExecSession> {
    // Loaded by those who run commands alone.
    const { WebSocket: Socket } = await import('ws');
    return new Promise((resolve, reject) => {
      const socket = new Socket(url, protocols, socketOptions);
      options.signal?.addEventListener('abort', () => socket.terminate(), { once: true });
      const session = new ExecSession(socket, server, options);
      socket.once('open', () => resolve(session));
      socket.once('error', (error) => reject(errorFromTransport(server, error)));
      socket.once('unexpected-response', (_, answer) => {
        void text(answer).then(
          (body) => reject(errorFromAnswer(answer.statusCode ?? 0, body)),
          reject,
        );
      });
    });
  }

  private send(channel: number, payload: Uint8Array): void {
    if (this.socket.readyState !== this.socket.OPEN) return;
    this.socket.send(Buffer.concat([Buffer.of(channel), payload]));
  }

  /** Sends input; resolves once no more than a megabyte waits. */
  async write(chunk: Uint8Array): Promise<void> {
    this.send(channels.stdin, chunk);
    while (
      this.socket.bufferedAmount > maxBufferedBytes &&
      this.socket.readyState === this.socket.OPEN
    ) {
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
  }

  /** Tells the command that its input ends. */
  closeStdin(): void {
    if (this.socket.protocol !== protocols[0]) return;
    this.send(channels.close, Buffer.of(channels.stdin));
  }

  /** Tells the terminal's size, in characters. */
  resize(width: number, height: number): void {
    this.send(channels.resize, Buffer.from(JSON.stringify({ Width: width, Height: height })));
  }

  /** Lets nothing further in until resumed; the sender is held back in turn. */
  pause(): void {
    this.socket.pause();
  }

  resume(): void {
    this.socket.resume();
  }

  /** Whether the connection still takes input. */
  get isOpen(): boolean {
    return this.socket.readyState === this.socket.OPEN;
  }

  /** Drops the connection; the command gets a hang-up. */
  close(): void {
    this.socket.terminate();
  }
}
