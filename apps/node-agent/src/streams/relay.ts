import type { ClientDuplexStream } from '@grpc/grpc-js';
import type { Frame, Frame__Output } from '@gantry/agent-protocol';
import { GantryError } from '@gantry/base';
import { Channel } from '@gantry/runtime-client';
import { once } from 'node:events';

/** Larger outputs are cut into frames of this size, in bytes. */
const frameBytes = 32 * 1024;

export type RelayStream = ClientDuplexStream<Frame, Frame__Output>;

/** A failure that the caller of the stream gets to see, as a metav1.Status. */
export class RelayError extends Error {
  constructor(
    readonly code: number,
    readonly reason: string,
    message: string,
  ) {
    super(message);
  }
}

/** One log, exec or attach on its way to the control plane. Writing waits while the link is slow. */
export class Relay {
  private readonly aborted = new AbortController();
  private isFinished = false;

  constructor(
    private readonly stream: RelayStream,
    streamId: string,
  ) {
    stream.on('error', (error) => this.aborted.abort(error));
    stream.on('end', () => this.aborted.abort(new Error('the caller has left')));
    stream.write({ streamId });
  }

  /** Aborts when the caller left or the link broke. */
  get signal(): AbortSignal {
    return this.aborted.signal;
  }

  onFrame(listener: (frame: Frame__Output) => void): void {
    this.stream.on('data', listener);
  }

  /** Lets no further frame in until resumed; the sender is held back in turn. */
  pause(): void {
    this.stream.pause();
  }

  resume(): void {
    this.stream.resume();
  }

  async write(channel: number, data: Buffer): Promise<void> {
    for (let at = 0; at < data.length; at += frameBytes) {
      this.signal.throwIfAborted();
      const payload = data.subarray(at, at + frameBytes);
      if (this.stream.write({ channel, payload })) continue;
      await once(this.stream, 'drain', { signal: this.signal });
    }
  }

  /** Sends the final status and ends; only the first call counts. */
  finish(status: object): void {
    if (this.isFinished) return;
    this.isFinished = true;
    if (!this.signal.aborted) {
      const payload = Buffer.from(JSON.stringify(status));
      this.stream.write({ channel: Channel.status, payload });
    }
    this.stream.end();
  }

  cancel(): void {
    this.aborted.abort(new Error('the caller has left'));
    this.stream.cancel();
  }
}

const base = { kind: 'Status', apiVersion: 'v1', metadata: {} };

export const successStatus = { ...base, status: 'Success' };

export function failureStatus(error: unknown): object {
  const { reason, code } = reasonOf(error);
  const message = error instanceof Error ? error.message : String(error);
  return { ...base, status: 'Failure', message, reason, code };
}

function reasonOf(error: unknown): { reason: string; code: number } {
  if (error instanceof RelayError) return error;
  if (error instanceof GantryError) return { reason: error.reason, code: error.httpCode };
  return { reason: 'InternalError', code: 500 };
}

/** How an exec that ended with another code than 0 is told, as Kubernetes does. */
export function exitStatus(exitCode: number): object {
  if (exitCode === 0) return successStatus;
  return {
    ...base,
    status: 'Failure',
    message: `command terminated with non-zero exit code: exit status ${exitCode}`,
    reason: 'NonZeroExitCode',
    details: { causes: [{ reason: 'ExitCode', message: String(exitCode) }] },
  };
}
