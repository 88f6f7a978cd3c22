import type { Logger } from '@gantry/base';
import { ImageError } from '../errors.js';
import { PassingError, Retries } from '../registry/retry.js';
import type { ContentStore } from '../store/content-store.js';
import type { Descriptor, LayerFormat } from '../types.js';
import { BlobFeed } from './blob-feed.js';
import type { BlobSource } from './blob-source.js';
import { LayerFailure, layerError, LayerProcess, parseRecord } from './layer-process.js';
import { Semaphore } from './semaphore.js';
import { SharedWork } from './shared-work.js';

/** One layer that an image needs: its blob, and the diffID that it unpacks to. */
export interface WantedLayer {
  readonly descriptor: Descriptor;
  readonly diffId: string;
}

/** A layer on its way, for all pulls that want it. */
export interface LayerJob {
  readonly layer: WantedLayer;
  bytesDone: number;
  /** Why it does not move. */
  waiting?: string;
  readonly work: SharedWork<void>;
}

export interface LayerFetcherOptions {
  readonly content: ContentStore;
  readonly layersBinary: string;
  readonly logger: Logger;
  readonly maxConcurrent: number;
  /** What new layers are kept as. */
  readonly format: LayerFormat;
}

/** Whole attempts at a layer whose content came out wrong. */
const maxWrongContent = 2;

/** Downloads, verifies and unpacks layers: each digest once at a time, and so many at once over all pulls. */
export class LayerFetcher {
  private readonly jobs = new Map<string, LayerJob>();
  private readonly slots: Semaphore;

  constructor(private readonly options: LayerFetcherOptions) {
    this.slots = new Semaphore(options.maxConcurrent);
  }

  /** Digests and diffIDs that are being written, which no collection may touch. */
  inFlight(): Set<string> {
    return new Set(
      [...this.jobs.values()].flatMap(({ layer }) => [layer.diffId, layer.descriptor.digest]),
    );
  }

  /** The running job for the layer, or a new one. */
  fetch(layer: WantedLayer, source: BlobSource): LayerJob {
    const key = `${layer.descriptor.digest} ${layer.diffId}`;
    const running = this.jobs.get(key);
    if (running?.work.joinable) return running;
    const job: LayerJob = {
      layer,
      bytesDone: 0,
      waiting: `waiting for a download slot (${this.slots.size} in use)`,
      work: new SharedWork((signal) =>
        // A stopped predecessor may still hold the layer's directory.
        Promise.resolve(running?.work.stop(signal.reason))
          .then(() => this.slots.run(signal, () => this.run(job, source, signal)))
          .finally(() => {
            if (this.jobs.get(key) === job) this.jobs.delete(key);
            const { descriptor } = layer;
            source.settled?.(descriptor, this.options.content.hasBlob(descriptor.digest));
          }),
      ),
    };
    this.jobs.set(key, job);
    return job;
  }

  async stop(reason: unknown): Promise<void> {
    await Promise.all([...this.jobs.values()].map((job) => job.work.stop(reason)));
  }

  private async run(job: LayerJob, source: BlobSource, signal: AbortSignal): Promise<void> {
    const { content, logger } = this.options;
    const { descriptor, diffId } = job.layer;
    job.waiting = undefined;
    const busy = new Retries(signal, (why) => (job.waiting = why));
    for (let wrong = 0; ;) {
      if (content.hasLayer(diffId)) return;
      try {
        await this.attempt(job, source, signal);
        job.bytesDone = descriptor.size;
        return;
      } catch (error) {
        signal.throwIfAborted();
        const code = error instanceof LayerFailure ? error.refusal?.code : undefined;
        const failure = layerError(descriptor.digest, error);
        // The program of an agent that was killed ends by itself as soon as it sees the end of its input.
        if (code === 'busy') await busy.after(new PassingError('unavailable', failure.message));
        else if (!isWrongContent(code) || (wrong += 1) >= maxWrongContent) throw failure;
        else {
          source.distrust?.(descriptor);
          logger.warn({ layer: descriptor.digest, code }, 'fetching a layer once more');
        }
      }
    }
  }

  private async attempt(job: LayerJob, source: BlobSource, signal: AbortSignal): Promise<void> {
    const { content, layersBinary, format } = this.options;
    const { descriptor, diffId } = job.layer;
    const { digest, size } = descriptor;
    const args = ['apply', '--store', content.dir, '--digest', digest, '--size', `${size}`];
    args.push('--diff-id', diffId, '--format', format);
    if (content.hasBlob(digest)) {
      this.noteFault(await new LayerProcess(layersBinary, [...args, '--stored']).result());
      return;
    }
    const partial = await content.partialBytes(digest);
    const resumeFrom = partial <= size ? partial : 0;
    job.bytesDone = resumeFrom;
    const feed = new BlobFeed(layersBinary, args, resumeFrom, (bytes) => {
      job.waiting = undefined;
      job.bytesDone = bytes;
    });
    try {
      await this.download(job, source, feed, signal);
    } catch (error) {
      await feed.abandon();
      throw error;
    }
    this.noteFault(await feed.result());
  }

  private noteFault(result: string): void {
    const { diffId, erofsFault: fault } = parseRecord(result);
    if (fault) this.options.logger.warn({ diffId, fault }, 'a layer stays unpacked');
  }

  /** Fills the feed, going on after every cut where the last one ended. */
  private async download(
    job: LayerJob,
    source: BlobSource,
    feed: BlobFeed,
    signal: AbortSignal,
  ): Promise<void> {
    const { descriptor } = job.layer;
    const onWait = (why: string) => (job.waiting = why);
    const retries = new Retries(signal, onWait);
    while (feed.position < descriptor.size && !feed.ended) {
      const before = feed.position;
      try {
        if (source.send) await source.send(descriptor, feed, { signal, onWait });
        else await passOn(source, descriptor, feed, { signal, onWait });
        if (feed.position < descriptor.size && !feed.ended) throw new Error('it ended too early');
      } catch (error) {
        // Its verdict says more than what broke off because of it.
        if (feed.ended && !signal.aborted) return;
        if (feed.position > before) retries.reset();
        await retries.after(asCut(error, job, signal));
      }
    }
  }
}

async function passOn(
  source: BlobSource,
  descriptor: Descriptor,
  feed: BlobFeed,
  options: { signal: AbortSignal; onWait: (why: string) => void },
): Promise<void> {
  const blob = await source.open(descriptor, feed.position, options);
  await feed.stream(blob.stream, blob.offset);
}

/** The saved part may have been damaged, or one answer of the registry was: from the start it may go well. */
function isWrongContent(code: string | undefined): boolean {
  return code === 'digest-mismatch' || code === 'truncated';
}

/** A download that broke off may go on; what the registry itself refused is final. */
function asCut(error: unknown, job: LayerJob, signal: AbortSignal): unknown {
  if (signal.aborted || error instanceof ImageError) return error;
  const at = `${job.bytesDone} of ${job.layer.descriptor.size} bytes`;
  const why = (error as Error).message;
  const message = `the download of layer ${job.layer.descriptor.digest} was cut at ${at} (${why})`;
  return new PassingError('unavailable', message, undefined, { cause: error });
}
