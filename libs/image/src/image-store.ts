import type { Logger } from '@gantry/base';
import { createHash } from 'node:crypto';
import { ImageAdministration } from './administration/administration.js';
import { loadArchive } from './archive/load.js';
import { type PushProgress, pushStored } from './archive/push.js';
import { saveImages } from './archive/save.js';
import { ImageError } from './errors.js';
import type { BlobPeers } from './pull/blob-source.js';
import { LayerFetcher } from './pull/layer-fetcher.js';
import { ProgressMeter } from './pull/progress.js';
import { Puller } from './pull/puller.js';
import { SharedWork } from './pull/shared-work.js';
import { formatReference, parseReference, type Reference } from './reference.js';
import { Pusher } from './registry/pusher.js';
import { RegistryClient } from './registry/registry-client.js';
import { ContentStore } from './store/content-store.js';
import type { Compose } from './store/fixup.js';
import { collectContent, type GarbageReport } from './store/garbage.js';
import type { GarbagePolicy } from './store/garbage-policy.js';
import { ImageIndex, type ImageRecord } from './store/image-index.js';
import { describeImage, type ImageDocuments, readDocuments } from './store/images.js';
import { LayerMounts } from './store/layer-mounts.js';
import { Maintenance } from './store/maintenance.js';
import type { Image, LayerFormat, PullOptions, RegistryAuth, RegistryConfig } from './types.js';

export interface ImageStoreOptions {
  /** Root of the store, e.g. `/var/lib/gantry/images`; made when missing, mode 0700. */
  readonly dir: string;
  /** Path of the `gantry-layers` program. */
  readonly layersBinary: string;
  readonly logger: Logger;
  readonly registries?: RegistryConfig;
  /** Layers in flight at once over all pulls (default 3). */
  readonly maxConcurrentLayers?: number;
  /** What layers are kept as that come from now on (default `directory`); those that are there stay as they are. */
  readonly layerFormat?: LayerFormat;
  /** Asked for blobs before a registry is. */
  readonly peers?: BlobPeers;
}

const defaultConcurrentLayers = 3;

export interface PushImageOptions {
  /** The name there, when it is not the image's own. */
  readonly target?: string;
  readonly auth?: readonly RegistryAuth[];
  readonly signal?: AbortSignal;
  readonly onProgress?: (progress: PushProgress) => void;
}

/** Everything the store knows of an image. */
export interface ImageDetails extends ImageRecord, ImageDocuments {
  readonly names: readonly string[];
}

interface RunningPull {
  readonly work: SharedWork<ImageRecord>;
  readonly meter: ProgressMeter;
  readonly needs: Set<string>;
}

/** All images of a node: pulls each digest once however many ask, and survives a kill at any byte. */
export class ImageStore {
  private readonly content: ContentStore;
  private readonly index: ImageIndex;
  private readonly client: RegistryClient;
  private readonly layers: LayerFetcher;
  private readonly puller: Puller;
  private readonly maintenance: Maintenance;
  private readonly mounts: LayerMounts;
  private readonly pulls = new Map<string, RunningPull>();
  private readonly loads = new Set<Set<string>>();
  private readonly logger: Logger;
  private readonly compose: Compose = (diffIds) => this.maintenance.compose(diffIds);
  private opening?: Promise<void>;
  readonly administration: ImageAdministration;

  constructor(options: ImageStoreOptions) {
    const { dir, layersBinary, logger } = options;
    this.logger = logger;
    this.content = new ContentStore(dir);
    this.index = new ImageIndex(dir);
    this.client = new RegistryClient(options.registries);
    this.maintenance = new Maintenance({ dir, layersBinary, logger });
    const { content, index, client } = this;
    const maxConcurrent = options.maxConcurrentLayers ?? defaultConcurrentLayers;
    const { layerFormat: format = 'directory' } = options;
    this.layers = new LayerFetcher({ content, layersBinary, logger, maxConcurrent, format });
    this.mounts = new LayerMounts(content, (diffIds) => this.maintenance.mount(diffIds));
    const { compose, layers } = this;
    const { peers } = options;
    this.puller = new Puller({ content, index, client, layers, compose, logger, peers });
    const holding = <T>(work: (needs: Set<string>) => Promise<T>) => this.holding(work);
    const ready = () => this.open();
    const pulling = () =>
      [...this.pulls.values()].map(({ meter: { reference }, needs }) => ({ reference, needs }));
    const parts = { content, index, layers, compose, ready, holding, pulling };
    this.administration = new ImageAdministration(parts);
  }

  private async holding<T>(work: (needs: Set<string>) => Promise<T>): Promise<T> {
    const needs = new Set<string>();
    this.loads.add(needs);
    try {
      const result = await work(needs);
      this.maintenance.syncSoon();
      return result;
    } finally {
      this.loads.delete(needs);
    }
  }

  /** Clears what a killed process left behind; every operation does it first when nobody has. */
  open(): Promise<void> {
    this.opening ??= this.prepare();
    return this.opening;
  }

  private async prepare(): Promise<void> {
    await this.content.open();
    await this.maintenance.sweep();
    await this.index.open();
  }

  /** Makes the image present by the policy; rejects with ImageError. */
  async pull(text: string, options: PullOptions = {}): Promise<Image> {
    const reference = parseReference(text);
    await this.open();
    const { policy = defaultPolicy(reference), auth = [], signal } = options;
    const present = policy === 'Always' ? undefined : await this.get(text);
    if (present) return present;
    if (policy === 'Never') throw neverPull(text);
    const unchanged = policy === 'Always' ? await this.unchanged(reference, options) : undefined;
    if (unchanged) return unchanged;
    const running = this.start(reference, auth);
    const ignore = options.onProgress && running.meter.listen(options.onProgress);
    try {
      const record = await running.work.wait(signal);
      return await this.describe(record, formatReference(reference));
    } finally {
      ignore?.();
    }
  }

  /** The image as the store has it, by tag, digest or image ID; undefined when absent or incomplete. */
  async get(text: string): Promise<Image | undefined> {
    await this.open();
    const name = text.startsWith('sha256:') ? text : formatReference(parseReference(text));
    const record = this.index.find(name);
    if (!record) return undefined;
    const image = await describeImage(this.content, record, name, this.mounts);
    if (image) this.index.touch(record, Date.now());
    return image;
  }

  /** Every name with its image, those that are complete. */
  async list(): Promise<Image[]> {
    await this.open();
    const entries = this.index.entries();
    const images = await Promise.all(
      entries.map(({ name, image }) => describeImage(this.content, image, name)),
    );
    return images.filter((image) => image !== undefined);
  }

  /** Forgets the name; its content goes with the next collection. True when it was there. */
  async remove(text: string): Promise<boolean> {
    await this.open();
    return this.index.removeName(formatReference(parseReference(text)));
  }

  /**
   * Removes images outside `inUse` (references or digests as Image has them), all of them or those that the policy
   * names, and all content that neither a remaining image nor a pull in flight needs. Pinned images stay.
   */
  async collectGarbage(
    inUse: ReadonlySet<string>,
    policy: GarbagePolicy = {},
  ): Promise<GarbageReport> {
    await this.open();
    const { content, index } = this;
    const isNeeded = (digest: string) => this.neededByPulls().has(digest);
    const report = await collectContent({ content, index, inUse, policy, isNeeded });
    await this.maintenance.sweep();
    this.logger.info({ ...report, images: report.images.length }, 'collected image garbage');
    return report;
  }

  /** Gives the image a further name. */
  async tag(source: string, target: string): Promise<void> {
    const name = formatReference(parseReference(target));
    await this.index.put(name, await this.record(source));
  }

  /** Pinned images are never collected. */
  async pin(text: string, pinned: boolean): Promise<void> {
    await this.index.pin(await this.record(text), pinned);
  }

  /** The image's documents as they are; `config.history` tells how it was made. */
  async inspect(text: string): Promise<ImageDetails> {
    const record = await this.record(text);
    const documents = await readDocuments(this.content, record);
    if (!documents) throw notPresent(text);
    return { ...record, ...documents, names: this.index.namesOf(record) };
  }

  /** Pushes the image under its own name or another; returns the digest that it has there. */
  async push(text: string, options: PushImageOptions = {}): Promise<string> {
    const record = await this.record(text);
    const { auth, signal, onProgress } = options;
    const target = parseReference(options.target ?? text);
    const pusher = new Pusher(this.client, { auth, signal });
    const known = this.index.namesOf(record).map((name) => parseReference(name));
    const isElsewhere = ({ registry, repository }: Reference) =>
      registry === target.registry && repository !== target.repository;
    const mountFrom = known.find(isElsewhere)?.repository;
    return pushStored(this.content, record, pusher, { target, mountFrom, onProgress });
  }

  /** One archive with the images, an OCI layout and docker-archive at once; they stay while it is read. */
  async save(texts: readonly string[]): Promise<AsyncGenerator<Uint8Array>> {
    const images = texts.map(async (text) => ({
      name: formatReference(parseReference(text)),
      record: await this.record(text),
    }));
    return this.held(texts, await saveImages(this.content, await Promise.all(images)));
  }

  /** Passes the bytes on; what the images consist of is not collected meanwhile. */
  async *held<T>(texts: readonly string[], chunks: AsyncIterable<T>): AsyncGenerator<T> {
    const needs = new Set<string>();
    this.loads.add(needs);
    try {
      for (const text of texts) {
        for (const digest of await this.contentOf(text)) needs.add(digest);
      }
      yield* chunks;
    } finally {
      this.loads.delete(needs);
    }
  }

  private async contentOf(text: string): Promise<string[]> {
    const record = await this.record(text);
    const documents = await readDocuments(this.content, record);
    if (!documents) throw notPresent(text);
    const { manifest, config } = documents;
    const layers = manifest.layers.map(({ digest }) => digest);
    const own = [record.manifestDigest, record.imageId, record.fixup ?? []].flat();
    return [...own, ...layers, ...config.rootfs.diff_ids];
  }

  /**
   * Loads all images of an archive file, or that which is called `only` (a full name); returns their names. `name` is
   * for archives that say none.
   */
  async load(
    path: string,
    options: { name?: string; only?: string; signal?: AbortSignal } = {},
  ): Promise<string[]> {
    await this.open();
    const { content, index, layers, compose } = this;
    const { signal = new AbortController().signal } = options;
    return this.holding((needs) =>
      loadArchive(path, { ...options, content, index, layers, compose, signal, needs }),
    );
  }

  private async record(text: string): Promise<ImageRecord> {
    await this.open();
    const name = text.startsWith('sha256:') ? text : formatReference(parseReference(text));
    const record = this.index.find(name);
    if (!record) throw notPresent(text);
    return record;
  }

  /** Waits for writes under way; pulls in flight are stopped and keep what they have downloaded. */
  async close(): Promise<void> {
    const reason = new ImageError('aborted', 'the image store is closing');
    await Promise.all([...this.pulls.values()].map(({ work }) => work.stop(reason)));
    await this.layers.stop(reason);
    this.client.close();
    if (this.opening) await this.index.save();
    await this.maintenance.close();
  }

  private neededByPulls(): Set<string> {
    const needs = this.layers.inFlight();
    const running = [...this.pulls.values()].map((pull) => pull.needs);
    for (const digests of [...running, ...this.loads]) for (const d of digests) needs.add(d);
    return needs;
  }

  /** The stored image when the registry still gives the same to this user: one small request. */
  private async unchanged(reference: Reference, options: PullOptions): Promise<Image | undefined> {
    const present = await this.get(formatReference(reference));
    if (!present) return undefined;
    const { auth, signal } = options;
    const digest = await this.client.resolve(reference, { auth, signal });
    return digest === present.digest ? present : undefined;
  }

  /** Joins the pull of the same name by the same user, or starts it. */
  private start(reference: Reference, auth: readonly RegistryAuth[]): RunningPull {
    const key = pullKey(reference, auth);
    const running = this.pulls.get(key);
    if (running?.work.joinable) return running;
    const meter = new ProgressMeter(formatReference(reference));
    const needs = new Set<string>();
    const work = new SharedWork<ImageRecord>((signal) =>
      this.run(
        reference,
        (task) => this.puller.pull({ ...task, auth, meter, needs, signal }),
        meter,
      ).finally(() => this.pulls.get(key) === pull && this.pulls.delete(key)),
    );
    const pull = { work, meter, needs };
    this.pulls.set(key, pull);
    return pull;
  }

  private async run(
    reference: Reference,
    pull: (task: { reference: Reference }) => Promise<ImageRecord>,
    meter: ProgressMeter,
  ): Promise<ImageRecord> {
    let succeeded = false;
    try {
      const record = await pull({ reference });
      succeeded = true;
      this.maintenance.syncSoon();
      return record;
    } finally {
      meter.finish(succeeded);
    }
  }

  private async describe(record: ImageRecord, name: string): Promise<Image> {
    const image = await describeImage(this.content, record, name, this.mounts);
    if (image) return image;
    throw new ImageError('internal', `${name} was removed while it was pulled; pull it again`);
  }
}

function defaultPolicy(reference: Reference): 'Always' | 'IfNotPresent' {
  return reference.tag === 'latest' && !reference.digest ? 'Always' : 'IfNotPresent';
}

function notPresent(text: string): ImageError {
  return new ImageError('not-found', `${text} is not on this node; pull or load it first`);
}

function neverPull(text: string): ImageError {
  const hint = 'load it onto the node or allow pulling it';
  return new ImageError(
    'never-pull',
    `${text} is not on this node and its policy is Never; ${hint}`,
  );
}

/** Users share a pull only with those who show the same credentials. */
function pullKey(reference: Reference, auth: readonly RegistryAuth[]): string {
  const who = createHash('sha256').update(JSON.stringify(auth)).digest('hex');
  return `${formatReference(reference)} ${who}`;
}
