import type { ContainerImage, Node, NodeCondition } from '@gantry/api';
import type { AgentConfig } from '../config.js';
import { readJson, writeJson } from '../pods/record.js';
import { join } from 'node:path';
import { availableMemoryBytes, diskSpace } from './host.js';
import { reportedImages, type LocalImage } from './node-images.js';
import { nodeConditions, nodeObject, type NodeMeasurements } from './node-object.js';

/** What the control plane assigned to this node; kept on disk, so that pods can run without it. */
export interface StoredNode {
  readonly podCIDR: string;
  readonly clusterCIDR: string;
}

/** The Node object from the agent's side: what is registered, and what is measured from time to time. */
export class NodeRegistration {
  private conditions: NodeCondition[] = [];
  private images: ContainerImage[] = [];

  constructor(
    private readonly config: AgentConfig,
    private readonly at: NodeMeasurements,
    /** Why pods cannot run now, if they cannot. */
    private readonly fault: () => string | undefined,
    private readonly localImages: () => Promise<readonly LocalImage[]>,
  ) {}

  node(): Node {
    const node = nodeObject(this.config, this.at, this.conditions);
    return { ...node, status: { ...node.status, images: this.images } };
  }

  /** Measures again; true when a condition or the images changed. */
  async measure(nowMs: number): Promise<boolean> {
    const disk = await diskSpace(this.config.dataDir);
    const next = nodeConditions(
      {
        memoryAvailableBytes: availableMemoryBytes(),
        diskAvailableBytes: disk.availableBytes,
        diskTotalBytes: disk.totalBytes,
        freeInodes: disk.freeInodes,
        inodes: disk.inodes,
        fault: this.fault(),
      },
      this.conditions,
      nowMs,
    );
    const images = reportedImages(await this.localImages());
    const known = JSON.stringify([this.conditions, this.images]);
    this.conditions = next;
    this.images = images;
    return JSON.stringify([next, images]) !== known;
  }

  async loadAssignment(): Promise<StoredNode | undefined> {
    return readJson<StoredNode>(this.file);
  }

  async saveAssignment(node: StoredNode): Promise<void> {
    await writeJson(this.file, node);
  }

  private get file(): string {
    return join(this.config.dataDir, 'node.json');
  }
}
