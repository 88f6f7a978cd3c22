import type { Peer__Output } from '@gantry/agent-protocol';
import { describeError, type Logger } from '@gantry/base';
import type { BlobFeed, BlobPeers, BlobSource } from '@gantry/image';
import type { BlobDesk } from './blob-desk.js';
import type { PeerClient } from './peer-client.js';

export interface PeerSourceOptions {
  readonly desk: BlobDesk;
  readonly client: PeerClient;
  readonly onBytes: (from: 'registry' | 'peer', bytes: number) => void;
  readonly logger: Logger;
}

/** How long another node's download is waited for: this, and as if it came at this rate; never longer than an hour. */
const waitBaseMs = 30_000;
const waitBytesPerMs = 1024;
const maxWaitMs = 3_600_000;

type Descriptor = Parameters<BlobSource['open']>[0];
type Options = Parameters<BlobSource['open']>[2];

/** Gets blobs from nodes that have them, and from the registry where no node does or none can be trusted. */
export class PeerSource implements BlobPeers {
  constructor(private readonly options: PeerSourceOptions) {}

  around(image: string, registry: BlobSource): BlobSource {
    const distrusted = new Set<string>();
    /** By digest, the nodes that sent of it. */
    const givers = new Map<string, Set<string>>();
    const { desk, logger } = this.options;
    return {
      open: (descriptor, offset, options) => registry.open(descriptor, offset, options),
      send: async (descriptor, feed, options) => {
        if (!distrusted.has(descriptor.digest)) {
          await this.fromPeers(image, descriptor, feed, options, (node) => {
            const known = givers.get(descriptor.digest) ?? new Set();
            givers.set(descriptor.digest, known.add(node));
          });
        }
        if (feed.position >= descriptor.size || feed.ended) return;
        await this.fromRegistry(registry, descriptor, feed, options);
      },
      distrust: ({ digest }) => {
        distrusted.add(digest);
        const peers = [...(givers.get(digest) ?? [])];
        givers.delete(digest);
        // It may as well have been the registry, or what a killed agent had saved.
        if (peers.length > 0) logger.warn({ digest, image, peers }, 'a peer sent wrong content');
      },
      settled: ({ digest }, present) => {
        desk.report(present ? { have: [digest] } : { left: [digest] });
      },
    };
  }

  /** Goes on with the next peer where one ends; returns wherever it has come to. */
  private async fromPeers(
    image: string,
    descriptor: Descriptor,
    feed: BlobFeed,
    options: Options,
    gave: (node: string) => void,
  ): Promise<void> {
    const { desk } = this.options;
    const { digest, size } = descriptor;
    const waitMs = Math.min(maxWaitMs, waitBaseMs + size / waitBytesPerMs);
    const peers = await desk.find(digest, waitMs, options);
    for (const peer of peers) {
      const offset = feed.position;
      const isDone = await this.fromPeer(peer, image, descriptor, feed, options);
      if (feed.position > offset) gave(peer.nodeName);
      if (isDone) return;
    }
  }

  private async fromPeer(
    peer: Peer__Output,
    image: string,
    { digest, size }: Descriptor,
    feed: BlobFeed,
    { signal, onWait }: Options,
  ): Promise<boolean> {
    const { client, onBytes, logger } = this.options;
    const offset = feed.position;
    try {
      const stream = await client.blob(peer, image, digest, { offset, size, signal });
      await feed.stream(stream, offset);
      return feed.ended || feed.position >= size;
    } catch (error) {
      signal?.throwIfAborted();
      const why = describeError(error);
      logger.info({ digest, peer: peer.nodeName, at: feed.position, why }, 'asking elsewhere');
      onWait?.(`node ${peer.nodeName} failed (${why}); asking elsewhere`);
      return false;
    } finally {
      onBytes('peer', feed.position - offset);
    }
  }

  private async fromRegistry(
    registry: BlobSource,
    descriptor: Descriptor,
    feed: BlobFeed,
    options: Options,
  ): Promise<void> {
    const offset = feed.position;
    try {
      if (registry.send) return await registry.send(descriptor, feed, options);
      const { stream, offset: start } = await registry.open(descriptor, offset, options);
      await feed.stream(stream, start);
    } finally {
      this.options.onBytes('registry', feed.position - offset);
    }
  }
}
