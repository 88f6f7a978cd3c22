import { type ChildProcessByStdio, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import type { Readable, Writable } from 'node:stream';
import { ImageError } from '../errors.js';
import { diskFull } from '../store/files.js';
import type { LayerRecord } from '../store/content-store.js';

/** gantry-layers' refusal, as it writes it to stderr. */
export interface LayerRefusal {
  readonly code: string;
  readonly message: string;
  readonly entry?: string | null;
}

/** A layer program that said no, or died; `refusal` is missing when it was killed. */
export class LayerFailure extends Error {
  constructor(
    message: string,
    readonly refusal?: LayerRefusal,
  ) {
    super(message);
  }
}

/** Most bytes taken of the program's output; results are small. */
const maxOutputBytes = 4 << 20;

/** What the program tells before its result, one line each, see native/crates/layers/src/feed.rs. */
export type LayerEvent =
  | {
      readonly event: 'answer';
      readonly status: number;
      readonly headers: Readonly<Record<string, string>>;
      /** Only of answers that are no content. */
      readonly body: string | null;
      readonly position: number;
    }
  | { readonly event: 'received'; readonly position: number }
  | {
      readonly event: 'ended';
      readonly position: number;
      readonly code?: string | null;
      readonly reason?: string;
    };

/** One run of gantry-layers: bytes go in by `write`, the result comes by `result`, what it tells by `onEvent`. */
export class LayerProcess {
  private readonly child: ChildProcessByStdio<Writable, Readable, Readable>;
  private readonly exited: Promise<[number | null, NodeJS.Signals | null]>;
  private readonly output: Promise<[string, string]>;
  private done = false;

  constructor(
    binary: string,
    args: readonly string[],
    onEvent: (event: LayerEvent) => void = () => {},
  ) {
    this.child = spawn(binary, args, { stdio: ['pipe', 'pipe', 'pipe'], env: {} });
    this.exited = once(this.child, 'close') as Promise<[number | null, NodeJS.Signals | null]>;
    const { stdout, stderr } = this.child;
    this.output = Promise.all([readLines(stdout, onEvent), collect(stderr)]);
    // A program that refuses stops reading; its exit tells why.
    this.child.stdin.on('error', () => (this.done = true));
    this.child.once('exit', () => (this.done = true));
    this.exited.catch(() => {});
    this.output.catch(() => {});
  }

  /** True once it reads no more input. */
  get ended(): boolean {
    return this.done;
  }

  /** Resolves when the program has ended, however it did. */
  async gone(): Promise<void> {
    await this.exited.catch(() => {});
  }

  /** Resolves when there is room for more, or the program ended. */
  async write(chunk: Uint8Array): Promise<void> {
    if (this.done || this.child.stdin.write(chunk)) return;
    const controller = new AbortController();
    const { signal } = controller;
    const events = [
      once(this.child.stdin, 'drain', { signal }),
      once(this.child, 'exit', { signal }),
    ];
    try {
      await Promise.race(events.map((event) => event.catch(() => {})));
    } finally {
      controller.abort();
    }
  }

  /** Ends the input and waits for the verdict; throws LayerFailure. */
  async result(): Promise<string> {
    this.child.stdin.end();
    let exit: [number | null, NodeJS.Signals | null];
    try {
      exit = await this.exited;
    } catch (cause) {
      const { message } = cause as Error;
      throw new ImageError('internal', `cannot start gantry-layers: ${message}`, { cause });
    }
    const [stdout, stderr] = await this.output;
    if (exit[0] === 0) return stdout;
    const refusal = parseRefusal(stderr);
    const ending = exit[1] ? `was killed by ${exit[1]}` : `exited with ${exit[0]}`;
    throw new LayerFailure(
      refusal?.message ?? `gantry-layers ${ending}: ${stderr.trim()}`,
      refusal,
    );
  }

  /** Ends the input early: what was saved of the blob stays for a later resume. */
  async abandon(): Promise<void> {
    await this.result().catch(() => {});
  }
}

async function collect(stream: Readable): Promise<string> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of stream as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size <= maxOutputBytes) chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}

/** Hands events on; returns what is the result. */
async function readLines(stream: Readable, onEvent: (event: LayerEvent) => void): Promise<string> {
  let result = '';
  for await (const line of createInterface({ input: stream })) {
    if (line.startsWith('{"event":')) onEvent(JSON.parse(line) as LayerEvent);
    else if (result.length + line.length <= maxOutputBytes) result += `${line}\n`;
  }
  return result;
}

function parseRefusal(stderr: string): LayerRefusal | undefined {
  try {
    const parsed = JSON.parse(stderr) as LayerRefusal;
    return typeof parsed.code === 'string' ? parsed : undefined;
  } catch {
    return undefined;
  }
}

export function parseRecord(stdout: string): LayerRecord {
  return JSON.parse(stdout) as LayerRecord;
}

/** The failure as the pull's error: which layer, why, and whether the registry or the image is to blame. */
export function layerError(digest: string, failure: unknown): ImageError {
  if (failure instanceof ImageError) return failure;
  const refusal = failure instanceof LayerFailure ? failure.refusal : undefined;
  const where = refusal?.entry ? ` (entry ${refusal.entry})` : '';
  const text = `layer ${digest}: ${(failure as Error).message}${where}`;
  const options = { cause: failure, layerCode: refusal?.code };
  switch (refusal?.code) {
    case 'disk-full':
      return diskFull(text, failure);
    case 'digest-mismatch':
      return new ImageError('digest-mismatch', `${text}; the registry sent other content`, options);
    case 'size-mismatch':
      return new ImageError('size-mismatch', text, options);
    case undefined:
    case 'io':
    case 'busy':
    case 'usage':
    case 'truncated':
      return new ImageError('internal', text, options);
    default:
      return new ImageError('refused', `refused ${text}`, options);
  }
}
