import { Readable } from 'node:stream';
import type { BlobReceiver } from '../registry/blob-receiver.js';
import type { HttpRequest, HttpResponse } from '../registry/transport.js';
import type { FileRange } from './blob-source.js';
import { type LayerEvent, LayerProcess } from './layer-process.js';

/** What came instead of an answer. */
type Verdict = Exclude<LayerEvent, { event: 'received' }>;

/** Bytes that gantry-layers takes behind one instruction. */
const maxDataBytes = 1 << 20;

/** One blob into gantry-layers, from one source after the other, by its instructions (`feed.rs` there). */
export class BlobFeed implements BlobReceiver {
  private readonly process: LayerProcess;
  /** Heard, but not yet waited for: an answer and the end of its body at most. */
  private readonly verdicts: Verdict[] = [];
  private expected?: PromiseWithResolvers<Verdict | undefined>;

  constructor(
    binary: string,
    args: readonly string[],
    public position: number,
    private readonly onPosition: (position: number) => void,
  ) {
    const all = [...args, '--instructed', '--resume-from', `${position}`];
    this.process = new LayerProcess(binary, all, (event) => this.hear(event));
    void this.process.gone().then(() => this.expected?.resolve(undefined));
  }

  /** True once the program wants no more: it is complete, or refused. */
  get ended(): boolean {
    return this.process.ended;
  }

  async get({ url, headers = {}, ca, signal }: HttpRequest): Promise<HttpResponse> {
    const verdict = await this.ask({ get: { url: url.href, headers, ca } }, signal);
    if (verdict?.event !== 'answer') throw cutError(verdict, 'gantry-layers has ended');
    const { status: statusCode, body } = verdict;
    return Object.assign(Readable.from(body ? [Buffer.from(body)] : []), {
      statusCode,
      headers: verdict.headers,
    });
  }

  async flowed(signal?: AbortSignal): Promise<void> {
    const verdict = await this.listen(signal);
    if (verdict?.event === 'ended' && verdict.reason === undefined) return;
    if (verdict) throw cutError(verdict, 'it was answered twice');
  }

  /** The whole blob lies in a file. */
  async file(range: FileRange, signal?: AbortSignal): Promise<void> {
    const verdict = await this.ask({ file: range }, signal);
    if (verdict?.event === 'ended' && verdict.reason === undefined) return;
    if (verdict) throw cutError(verdict, 'it was answered');
  }

  async stream(bytes: Readable, offset: number): Promise<void> {
    let skip = this.position - offset;
    if (skip < 0) throw new Error('the answer begins behind what was asked for');
    for await (const chunk of bytes as AsyncIterable<Buffer>) {
      const fresh = chunk.subarray(Math.min(skip, chunk.length));
      skip -= chunk.length - fresh.length;
      for (let at = 0; at < fresh.length; at += maxDataBytes) {
        await this.data(fresh.subarray(at, at + maxDataBytes));
      }
      if (this.ended) return;
    }
  }

  /** Waits for what becomes of a blob that was sent completely; throws LayerFailure. */
  result(): Promise<string> {
    return this.process.result();
  }

  /** Ends it early: what was saved of the blob stays for a later resume. */
  async abandon(): Promise<void> {
    await this.process.abandon();
  }

  private async data(chunk: Uint8Array): Promise<void> {
    if (chunk.length === 0) return;
    const line = Buffer.from(`${JSON.stringify({ data: chunk.length })}\n`);
    await this.process.write(Buffer.concat([line, chunk]));
    this.moved(this.position + chunk.length);
  }

  /** What is on its way to the program counts as well, so what it has told may lie behind. */
  private moved(position: number): void {
    this.position = Math.max(this.position, position);
    this.onPosition(this.position);
  }

  private async ask(instruction: object, signal?: AbortSignal): Promise<Verdict | undefined> {
    const verdict = this.listen(signal);
    await this.process.write(Buffer.from(`${JSON.stringify(instruction)}\n`));
    return verdict;
  }

  /** The next answer or end; undefined when the program is gone. */
  private async listen(signal?: AbortSignal): Promise<Verdict | undefined> {
    signal?.throwIfAborted();
    const heard = this.verdicts.shift();
    if (heard || this.ended) return heard;
    const expected = Promise.withResolvers<Verdict | undefined>();
    this.expected = expected;
    const leave = () => expected.reject(signal?.reason);
    signal?.addEventListener('abort', leave, { once: true });
    try {
      return await expected.promise;
    } finally {
      signal?.removeEventListener('abort', leave);
      this.expected = undefined;
    }
  }

  private hear(event: LayerEvent): void {
    this.moved(event.position);
    if (event.event === 'received') return;
    if (this.expected) this.expected.resolve(event);
    else this.verdicts.push(event);
  }
}

function cutError(verdict: Verdict | undefined, otherwise: string): NodeJS.ErrnoException {
  const cut = verdict?.event === 'ended' ? verdict : undefined;
  const code = cut?.code ?? undefined;
  return Object.assign(new Error(cut?.reason ?? otherwise), { code });
}
