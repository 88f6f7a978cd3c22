import { describeError, type Logger } from '@gantry/base';
import type { ImageStore } from '@gantry/image';
import type { AgentConfig } from '../config.js';
import type { Identity } from '../identity/identity.js';
import type { AgentMetrics } from '../metrics/metrics.js';
import { BlobDesk, type DeskLink } from './blob-desk.js';
import { PeerClient } from './peer-client.js';
import { PeerServer } from './peer-server.js';
import { PeerSource } from './peer-source.js';

export interface NodePeersOptions {
  readonly config: AgentConfig;
  readonly ip: string;
  readonly identity: () => Identity;
  readonly metrics: AgentMetrics;
  readonly link: () => DeskLink | undefined;
  readonly logger: Logger;
}

/** This node's part in passing layers around the cluster: it asks other nodes, and serves them. */
export class NodePeers {
  readonly desk: BlobDesk;
  readonly client: PeerClient;
  readonly source: PeerSource;
  /** Where this node serves; 0: it does not. */
  port = 0;
  private server?: PeerServer;

  constructor(private readonly options: NodePeersOptions) {
    const { identity, metrics, link, logger } = options;
    this.desk = new BlobDesk(link);
    this.client = new PeerClient(identity);
    const onBytes = (from: 'registry' | 'peer', bytes: number) =>
      metrics.imageBytes.inc({ from }, bytes);
    this.source = new PeerSource({ desk: this.desk, client: this.client, onBytes, logger });
  }

  /** Begins to serve; a port that cannot be had costs only that. */
  async serve(images: ImageStore): Promise<void> {
    const { config, ip, identity, metrics, logger } = this.options;
    const { peerPort: port, peerBytesPerSecond: bytesPerSecond } = config;
    if (port === undefined) return;
    const onServed = (bytes: number) => metrics.servedBytes.inc(bytes);
    const { desk } = this;
    const server = new PeerServer({
      ...{ host: ip, port, bytesPerSecond },
      ...{ identity, images, desk, onServed, logger },
    });
    try {
      this.port = await server.listen();
      this.server = server;
    } catch (error) {
      logger.warn({ err: describeError(error) }, 'this node serves no layers to its peers');
    }
  }

  /** Tells the control plane all that this node could serve. */
  async announce(images: ImageStore): Promise<void> {
    if (this.port > 0) this.desk.inventory(await images.administration.blobs());
  }

  async close(): Promise<void> {
    await this.server?.close();
  }
}
