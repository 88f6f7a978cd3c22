import type { Logger } from '@gantry/base';
import { ImageError } from '../errors.js';
import { checkRunnable, parseConfig, parseManifest } from '../manifest.js';
import { hostPlatform, selectPlatform } from '../platform.js';
import { formatReference, type Reference } from '../reference.js';
import type { RegistryClient, RequestOptions } from '../registry/registry-client.js';
import type { ContentStore } from '../store/content-store.js';
import { type Compose, fixupFor } from '../store/fixup.js';
import type { ImageIndex as StoreIndex, ImageRecord } from '../store/image-index.js';
import type { ImageManifest, RegistryAuth } from '../types.js';
import { type BlobPeers, registrySource } from './blob-source.js';
import type { LayerFetcher } from './layer-fetcher.js';
import { uniqueLayers, waitForLayers } from './wanted-layers.js';
import type { ProgressMeter } from './progress.js';

export interface PullerOptions {
  readonly content: ContentStore;
  readonly index: StoreIndex;
  readonly client: RegistryClient;
  readonly layers: LayerFetcher;
  readonly compose: Compose;
  readonly logger: Logger;
  readonly peers?: BlobPeers;
}

/** One pull: what to fetch, as whom, and who is told. */
export interface PullTask {
  readonly reference: Reference;
  readonly auth: readonly RegistryAuth[];
  readonly meter: ProgressMeter;
  readonly signal: AbortSignal;
  /** Filled with all content of the image before any of it is relied on; a collection spares it. */
  readonly needs: Set<string>;
}

interface Resolved {
  readonly targetDigest: string;
  readonly manifestDigest: string;
  readonly manifest: ImageManifest;
}

/** Brings one image from its registry into the store. */
export class Puller {
  constructor(private readonly options: PullerOptions) {}

  /** Resolves once every layer is there and the name is recorded. */
  async pull(task: PullTask): Promise<ImageRecord> {
    const { index, content } = this.options;
    const name = formatReference(task.reference);
    const resolved = await this.resolve(task);
    const { manifest } = resolved;
    checkRunnable(name, manifest);
    task.needs.add(manifest.config.digest);
    const configBytes = await this.config(task, manifest);
    const config = parseConfig(name, configBytes, manifest);
    await this.layers(task, manifest, config.rootfs.diff_ids);
    await content.putBlob(configBytes);
    const fixup = await fixupFor(content, config.rootfs.diff_ids, this.options.compose);
    if (fixup) task.needs.add(fixup);
    const record: ImageRecord = {
      manifestDigest: resolved.manifestDigest,
      targetDigest: resolved.targetDigest,
      imageId: manifest.config.digest,
      fixup,
      pulledAtMs: Date.now(),
      lastUsedAtMs: Date.now(),
    };
    await index.put(name, record);
    return record;
  }

  private request({ auth, signal, meter }: PullTask): RequestOptions {
    return { auth, signal, onWait: (why) => meter.wait(why) };
  }

  /** From the name over the index, where there is one, to the platform's manifest. */
  private async resolve(task: PullTask): Promise<Resolved> {
    const name = formatReference(task.reference);
    const target = await this.document(task, task.reference);
    const parsed = parseManifest(name, target.bytes, target.mediaType);
    if ('manifest' in parsed) {
      const { digest } = target;
      return { targetDigest: digest, manifestDigest: digest, manifest: parsed.manifest };
    }
    const chosen = selectPlatform(name, parsed.index, hostPlatform());
    const reference = { ...task.reference, digest: chosen.digest };
    const document = await this.document(task, reference);
    const inner = parseManifest(name, document.bytes, document.mediaType || chosen.mediaType);
    if ('index' in inner) {
      throw new ImageError('invalid-manifest', `${name} has an index within an index`);
    }
    const targetDigest = target.digest;
    return { targetDigest, manifestDigest: document.digest, manifest: inner.manifest };
  }

  /** From the store when the digest is known and there, else from the registry; kept in the store. */
  private async document(task: PullTask, reference: Reference) {
    const { content, client } = this.options;
    const { digest } = reference;
    const stored = digest === undefined ? undefined : await content.smallBlob(digest);
    if (stored) {
      task.needs.add(digest!);
      return { bytes: stored, mediaType: '', digest: digest! };
    }
    const fetched = await client.manifest(reference, this.request(task));
    task.needs.add(fetched.digest);
    await content.putBlob(fetched.bytes);
    return fetched;
  }

  private async config(task: PullTask, manifest: ImageManifest): Promise<Buffer> {
    const { content, client } = this.options;
    const stored = await content.smallBlob(manifest.config.digest);
    return stored ?? client.smallBlob(task.reference, manifest.config, this.request(task));
  }

  private async layers(
    task: PullTask,
    manifest: ImageManifest,
    diffIds: readonly string[],
  ): Promise<void> {
    const { content, layers } = this.options;
    const wanted = uniqueLayers(manifest, diffIds);
    for (const { descriptor, diffId } of wanted) task.needs.add(diffId).add(descriptor.digest);
    const missing = wanted.filter(({ diffId }) => !content.hasLayer(diffId));
    // Large ones first: the last layer to end then ends earlier.
    missing.sort((a, b) => b.descriptor.size - a.descriptor.size);
    const registry = registrySource(this.options.client, task.reference, task.auth);
    const source =
      this.options.peers?.around(formatReference(task.reference), registry) ?? registry;
    const jobs = missing.map((layer) => layers.fetch(layer, source));
    task.meter.pulling(jobs, wanted.length - missing.length);
    await waitForLayers(jobs, task.signal, (job) => task.meter.layerDone(job));
  }
}
