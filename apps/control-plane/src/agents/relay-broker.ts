import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { status, type ServerDuplexStream } from '@grpc/grpc-js';
import type { Frame, Frame__Output, OpenStream } from '@gantry/agent-protocol';
import { unavailable } from '@gantry/base';
import { GrpcError } from './peer.js';

/** How long an agent may take to open the stream it was asked for, in milliseconds. */
const openTimeoutMs = 10_000;

/** Streams that may be awaited at once. */
const maxPending = 1000;

export type RelayCall = ServerDuplexStream<Frame__Output, Frame>;

/** One log, exec or attach between a client and a container; iterating yields the agent's frames. */
export class RelayStream implements AsyncIterable<Frame__Output> {
  constructor(private readonly call: RelayCall) {
    // A broken link ends the iteration with this error; nobody may be iterating yet.
    call.on('error', () => undefined);
  }

  async write(channel: number, payload: Uint8Array): Promise<void> {
    if (this.call.destroyed || this.call.writableEnded) return;
    if (this.call.write({ channel, payload: Buffer.from(payload) })) return;
    await Promise.race([once(this.call, 'drain'), once(this.call, 'close')]).catch(() => undefined);
  }

  /** Tells the agent that the client has left. */
  close(): void {
    this.call.end();
  }

  [Symbol.asyncIterator](): AsyncIterator<Frame__Output> {
    return this.call[Symbol.asyncIterator]();
  }
}

interface Pending {
  readonly node: string;
  readonly arrived: (stream: RelayStream) => void;
}

/** Brings together the orders to open a stream and the streams that agents then open. */
export class RelayBroker {
  private readonly pending = new Map<string, Pending>();

  /** Sends the order and resolves with the stream; Unavailable when the agent does not answer in time. */
  open(
    node: string,
    request: Omit<OpenStream, 'streamId'>,
    send: (order: OpenStream) => void,
    signal: AbortSignal,
  ): Promise<RelayStream> {
    if (this.pending.size >= maxPending) throw unavailable('too many streams are being opened');
    const streamId = randomUUID();
    return new Promise((resolve, reject) => {
      const forget = () => {
        clearTimeout(timer);
        signal.removeEventListener('abort', left);
        this.pending.delete(streamId);
      };
      const fail = (why: string) => {
        forget();
        reject(unavailable(why));
      };
      const left = () => fail('the client has left');
      const timer = setTimeout(() => fail(`node ${node} did not answer in time`), openTimeoutMs);
      signal.addEventListener('abort', left, { once: true });
      const arrived = (stream: RelayStream) => {
        forget();
        resolve(stream);
      };
      this.pending.set(streamId, { node, arrived });
      send({ streamId, ...request });
    });
  }

  /** Takes a stream that an agent has opened; its first frame says for which order. */
  accept(node: string, call: RelayCall): void {
    call.once('data', (first: Frame__Output) => {
      // Nothing may flow before somebody reads.
      call.pause();
      const pending = this.pending.get(first.streamId);
      if (pending?.node !== node) {
        const details = 'nobody waits for this stream';
        call.emit('error', new GrpcError(status.NOT_FOUND, details));
        return;
      }
      pending.arrived(new RelayStream(call));
    });
  }
}
