import { GantryError } from '@gantry/base';
import { ExecSession, queryText, type Query } from '@gantry/client';
import type { Session } from '../session.js';

/** What a node says while it works; the fields are those of the pull's progress. */
export interface NodeProgress {
  readonly image?: string;
  readonly phase?: string;
  readonly layersTotal?: number;
  readonly layersDone?: number;
  readonly bytesTotal?: number;
  readonly bytesDone?: number;
  readonly bytesPerSecond?: number;
  readonly secondsLeft?: number;
  readonly waiting?: string;
}

export interface NodeRequest {
  readonly node: string;
  readonly verb: string;
  readonly query?: Query;
  /** Sent on the input channel, which is closed at its end. */
  readonly input?: AsyncIterable<Uint8Array>;
  /** Takes the result as it comes; what it returns is awaited before more is taken. */
  readonly onOutput?: (chunk: Buffer) => Promise<void> | void;
  readonly onProgress?: (progress: NodeProgress) => void;
  readonly signal?: AbortSignal;
}

/** Most bytes of a result that is taken whole. */
const maxResultBytes = 16 << 20;

/** Runs what is asked for on the node's agent; rejects with its refusal. */
export async function askNode(session: Session, request: NodeRequest): Promise<void> {
  const { node, verb, query, input, onOutput, onProgress } = request;
  const signal = request.signal ?? session.signal;
  const path = `/apis/gantry.dev/v1/nodeimages/${encodeURIComponent(node)}/${verb}`;
  const lines = new Lines((line) => onProgress?.(JSON.parse(line) as NodeProgress));
  let written: Promise<void> = Promise.resolve();
  let waiting = 0;
  let opened: ExecSession | undefined;
  const stream = await ExecSession.openPath(session.client, path + queryText(query), {
    signal,
    onStderr: (chunk) => lines.push(chunk),
    onStdout: (chunk) => {
      waiting += 1;
      opened?.pause();
      written = written
        .then(() => onOutput?.(chunk))
        .finally(() => {
          waiting -= 1;
          if (waiting === 0) opened?.resume();
        });
      written.catch(() => opened?.close());
    },
  });
  opened = stream;
  try {
    const sent = input ? send(stream, input) : Promise.resolve();
    // A node that refuses says why in its status, while we still send.
    await Promise.all([stream.exitCode, sent]);
  } catch (error) {
    if (signal.aborted) throw signal.reason;
    await written;
    throw error;
  } finally {
    stream.close();
  }
  await written;
}

async function send(stream: ExecSession, input: AsyncIterable<Uint8Array>): Promise<void> {
  for await (const chunk of input) {
    if (!stream.isOpen) return;
    await stream.write(chunk);
  }
  stream.closeStdin();
}

/** As {@link askNode}, for what answers with one JSON document (or nothing). */
export async function askForJson<T>(session: Session, request: NodeRequest): Promise<T> {
  const chunks: Buffer[] = [];
  let size = 0;
  const onOutput = (chunk: Buffer) => {
    size += chunk.length;
    if (size > maxResultBytes) throw new GantryError('InternalError', 'the answer is too long');
    chunks.push(chunk);
  };
  await askNode(session, { ...request, onOutput });
  return JSON.parse(Buffer.concat(chunks).toString('utf8') || '{}') as T;
}

/** Whole lines out of chunks that are cut anywhere. */
class Lines {
  private rest = '';

  constructor(private readonly take: (line: string) => void) {}

  push(chunk: Buffer): void {
    const lines = (this.rest + chunk.toString('utf8')).split('\n');
    this.rest = (lines.pop() ?? '').slice(-65_536);
    for (const line of lines) if (line !== '') this.take(line);
  }
}
