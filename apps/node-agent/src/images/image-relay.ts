import { join } from 'node:path';
import type { ImageRequest__Output, OpenStream__Output } from '@gantry/agent-protocol';
import { describeError, GantryError, type Logger } from '@gantry/base';
import {
  formatReference,
  type ImageStore,
  parseDockerConfig,
  parseReference,
  type PullProgress,
  type RegistryAuth,
} from '@gantry/image';
import { Channel } from '@gantry/runtime-client';
import type { PeerClient } from '../peers/peer-client.js';
import { RelayInput } from '../streams/relay-input.js';
import { type Relay, successStatus } from '../streams/relay.js';
import type { PullBoard } from './pull-board.js';
import { containerArchive, imageArchive } from './rootfs-archive.js';
import { smallInput, Uploads } from './upload.js';
import type { SnapshotDriver } from '../snapshots/driver.js';

export interface ImageRelayOptions {
  readonly images: ImageStore;
  readonly pulls: PullBoard;
  readonly dataDir: string;
  readonly snapshots: SnapshotDriver;
  readonly peers: PeerClient;
  /** Tells the control plane what is here now. */
  readonly announce: () => Promise<void>;
  /** Names and digests of images that pods of this node need, each with the pod that does. */
  readonly users: () => ReadonlyMap<string, string>;
  /** The first process of a running container; NotFound when it does not run here. */
  readonly pidOf: (order: OpenStream__Output) => Promise<number>;
  readonly logger: Logger;
}

/** One request with the stream that it came on. */
interface Call {
  readonly order: OpenStream__Output;
  readonly request: ImageRequest__Output;
  readonly relay: Relay;
  readonly signal: AbortSignal;
}

type Verb = (call: Call) => Promise<unknown>;

/** How often progress is told at most, in milliseconds. */
const progressIntervalMs = 250;
const onlyOrphans = { unusedForMs: Infinity };

const encode = (value: unknown) => Buffer.from(`${JSON.stringify(value)}\n`);

/** Serves `gantry image` on a node: what is asked for comes in an order, results go up its relay. */
export class ImageRelay {
  private readonly uploads: Uploads;
  private readonly verbs: Readonly<Record<string, Verb>> = {
    list: () => this.list(),
    pulls: async () => ({ images: [], pulls: this.options.pulls.list() }),
    inspect: (call) => this.each(call, (image) => this.options.images.inspect(image)),
    pull: (call) => this.pull(call),
    push: (call) => this.push(call),
    tag: ({ request }) => this.options.images.tag(one(request), request.target),
    pin: (call) => this.each(call, (image) => this.options.images.pin(image, true)),
    unpin: (call) => this.each(call, (image) => this.options.images.pin(image, false)),
    remove: (call) => this.remove(call),
    prune: (call) => this.prune(call),
    load: (call) => this.load(call),
    import: (call) => this.import(call),
    copy: (call) => this.copy(call),
    save: (call) => this.save(call),
    export: (call) => this.export(call),
  };

  constructor(private readonly options: ImageRelayOptions) {
    this.uploads = new Uploads(join(options.dataDir, 'uploads'));
  }

  /** Clears what a killed agent left half-done. */
  open(): Promise<void> {
    return this.uploads.open();
  }

  /** Rejects with what the caller is to be told. */
  async serve(order: OpenStream__Output, relay: Relay): Promise<void> {
    const request = order.image!;
    const verb = Object.hasOwn(this.verbs, request.verb) ? this.verbs[request.verb] : undefined;
    if (!verb) throw new GantryError('BadRequest', `this agent knows no image ${request.verb}`);
    const result = await verb({ order, request, relay, signal: relay.signal });
    if (result !== undefined) await relay.write(Channel.stdout, encode(result));
    relay.finish(successStatus);
    const { images } = request;
    this.options.logger.info({ verb: request.verb, images }, 'served an image request');
  }

  private async list(): Promise<object> {
    const users = this.options.users();
    const found = await this.options.images.administration.list();
    const images = found.map(({ pulledAtMs, lastUsedAtMs, ...image }) => {
      const keys = [...image.names, image.digest, image.imageId];
      const usedBy = keys.flatMap((key) => users.get(key) ?? [])[0];
      const times = { pulledAt: iso(pulledAtMs), lastUsedAt: iso(lastUsedAtMs) };
      return { ...image, ...times, ...(usedBy && { usedBy }) };
    });
    return { images, pulls: this.options.pulls.list() };
  }

  private async each<T>(
    { request }: Call,
    work: (image: string) => Promise<T>,
  ): Promise<{ items: T[] }> {
    const items: T[] = [];
    for (const image of request.images) items.push(await work(image));
    return { items };
  }

  private async pull(call: Call): Promise<object> {
    const { request, relay, signal } = call;
    const auth = await this.credentials(call);
    const policy = request.always ? 'Always' : 'IfNotPresent';
    const tell = throttled((progress) => relay.write(Channel.stderr, encode(progress)));
    return this.each(call, async (name) => {
      const image = await this.options.pulls.follow(name, 'gantry image pull', (noted) => {
        const onProgress = (progress: PullProgress) => {
          noted(progress);
          tell({ image: name, ...progress });
        };
        return this.options.images.pull(name, { policy, auth, signal, onProgress });
      });
      if (request.pin) await this.options.images.pin(name, true);
      const { reference, digest, imageId, sizeBytes } = image;
      return { reference, digest, imageId, sizeBytes };
    });
  }

  private async push(call: Call): Promise<object> {
    const { request, relay, signal } = call;
    const auth = await this.credentials(call);
    const target = request.target || one(request);
    const onProgress = throttled((told) => relay.write(Channel.stderr, encode(told)));
    const options = { target, auth, signal, onProgress };
    const digest = await this.options.images.push(one(request), options);
    return { items: [{ reference: target, digest }] };
  }

  private async credentials({ request, relay }: Call): Promise<readonly RegistryAuth[]> {
    if (!request.credentials) return [];
    return parseDockerConfig(await smallInput(new RelayInput(relay)));
  }

  private async remove(call: Call): Promise<object> {
    const { images } = this.options;
    const usedBy = (keys: readonly string[]) => {
      const users = this.options.users();
      return keys.flatMap((key) => users.get(key) ?? [])[0];
    };
    const removed = await this.each(call, (image) => images.administration.remove(image, usedBy));
    const { freedBytes } = await images.collectGarbage(this.inUse(), onlyOrphans);
    return { ...removed, freedBytes };
  }

  private async prune({ request }: Call): Promise<object> {
    const { unusedForMillis } = request;
    const policy = unusedForMillis > 0 ? { unusedForMs: unusedForMillis } : {};
    const report = await this.options.images.collectGarbage(this.inUse(), policy);
    return { items: report.images, freedBytes: report.freedBytes };
  }

  private inUse(): ReadonlySet<string> {
    return new Set(this.options.users().keys());
  }

  private async load({ request, relay, signal }: Call): Promise<object> {
    const { images } = this.options;
    const name = request.target || undefined;
    return this.uploads.receive(new RelayInput(relay), async (path) => {
      await relay.write(Channel.stderr, encode({ phase: 'unpacking' }));
      const names = await archived(path, () => images.load(path, { name, signal }));
      return this.loaded(names, request.pin);
    });
  }

  /** The images as another node has them, without any registry. */
  private async copy(call: Call): Promise<object> {
    const { request, relay, signal } = call;
    const peer = { nodeName: request.fromNode, address: request.fromAddress };
    const tell = throttled((progress) => relay.write(Channel.stderr, encode(progress)));
    const { items } = await this.each(call, async (name) => {
      const { peers, images } = this.options;
      const only = formatReference(parseReference(name));
      const archive = await peers.archive(peer, only, signal);
      const chunks = counted(archive, (bytesDone) =>
        tell({ phase: `received ${bytesDone} bytes` }),
      );
      return this.uploads.receive(chunks, (path) =>
        archived(path, () => images.load(path, { only, signal })),
      );
    });
    return this.loaded(items.flat(), request.pin);
  }

  private async import({ request, relay, signal }: Call): Promise<object> {
    const config = request.configJson.length > 0 ? parseConfig(request.configJson) : undefined;
    const name = request.target;
    const { administration } = this.options.images;
    return this.uploads.receive(new RelayInput(relay), async (path) => {
      await relay.write(Channel.stderr, encode({ phase: 'unpacking' }));
      await archived(path, () => administration.importRootfs(path, { name, config, signal }));
      return this.loaded([name], request.pin);
    });
  }

  private async loaded(names: readonly string[], pin: boolean): Promise<object> {
    const { images } = this.options;
    await this.options.announce();
    const items = [];
    for (const name of names) {
      if (pin) await images.pin(name, true);
      const image = await images.get(name);
      items.push({ reference: image?.reference ?? name, digest: image?.digest });
    }
    return { items };
  }

  private async save({ request, relay }: Call): Promise<void> {
    const archive = await this.options.images.save(request.images);
    for await (const chunk of archive) await relay.write(Channel.stdout, Buffer.from(chunk));
  }

  private async export({ order, request, relay, signal }: Call): Promise<void> {
    const chunks = order.container
      ? containerArchive(await this.options.pidOf(order), signal)
      : await this.flattened(one(request), signal);
    for await (const chunk of chunks) await relay.write(Channel.stdout, chunk);
  }

  private async flattened(name: string, signal: AbortSignal): Promise<AsyncGenerator<Buffer>> {
    const image = await this.options.images.get(name);
    if (!image) throw new GantryError('NotFound', `${name} is not on this node; pull it first`);
    const { dataDir, snapshots } = this.options;
    const chunks = imageArchive(image, snapshots, join(dataDir, 'uploads'), signal);
    return this.options.images.held([name], chunks);
  }
}

const iso = (ms: number) => new Date(ms).toISOString().replace(/\.\d+Z$/, 'Z');

function one({ images, verb }: ImageRequest__Output): string {
  const [image] = images;
  if (image !== undefined && images.length === 1) return image;
  throw new GantryError('BadRequest', `${verb} takes one image, not ${images.length}`);
}

function parseConfig(bytes: Buffer): object {
  const value: unknown = JSON.parse(bytes.toString('utf8'));
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value;
  throw new GantryError('BadRequest', 'the configuration must be a JSON object');
}

/** The name of a temporary file says nothing to whoever sent it. */
async function archived<T>(path: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (!(error instanceof GantryError)) throw error;
    const message = describeError(error).replaceAll(path, 'the archive');
    throw new GantryError(error.reason, message, {}, { cause: error });
  }
}

async function* counted(
  chunks: AsyncIterable<Buffer>,
  tell: (bytes: number) => void,
): AsyncGenerator<Buffer> {
  let bytes = 0;
  for await (const chunk of chunks) {
    bytes += chunk.length;
    tell(bytes);
    yield chunk;
  }
}

/** What the client is told while it waits. */
interface Told {
  readonly image?: string;
  readonly phase?: string;
}

/** Tells at most so often, and at once when a pull is done; a slow reader skips, and never holds the work up. */
function throttled(send: (value: Told) => Promise<void>): (value: Told) => void {
  let lastMs = 0;
  let busy = false;
  return (value) => {
    const nowMs = Date.now();
    const due = value.phase === 'done' || nowMs - lastMs >= progressIntervalMs;
    if (busy || !due) return;
    lastMs = nowMs;
    busy = true;
    send(value)
      .catch(() => undefined)
      .finally(() => (busy = false));
  };
}
