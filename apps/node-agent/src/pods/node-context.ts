import type { Pod } from '@gantry/api';
import type { Clock, Logger } from '@gantry/base';
import type { ImageStore } from '@gantry/image';
import type { RuntimeClient, Seccomp } from '@gantry/runtime-client';
import type { Disk } from '../bandwidth/disk-bandwidth.js';
import type { AgentConfig } from '../config.js';
import type { HugePages } from '../node/huge-pages.js';
import type { ResourceLookup } from '../bundle/environment.js';
import type { AgentMetrics } from '../metrics/metrics.js';
import type { PullBoard } from '../images/pull-board.js';
import type { PodNetwork } from '../network/pod-network.js';
import type { SnapshotDriver } from '../snapshots/driver.js';
import type { UserRanges } from './user-ranges.js';

/** Where events about pods go. Never throws, never blocks. */
export interface EventSink {
  emit(pod: Pod, event: PodEvent): void;
}

export interface PodEvent {
  readonly type: 'Normal' | 'Warning';
  readonly reason: string;
  readonly message: string;
  /** The container it is about. */
  readonly container?: string;
}

/** Where events about the node itself go. Never throws, never blocks. */
export interface NodeEventSink {
  emitForNode(event: Omit<PodEvent, 'container'>): void;
}

/** What the host is, as far as pods care. */
export interface NodeFacts {
  readonly name: string;
  readonly ip: string;
  readonly bootId: string;
  readonly memoryBytes: number;
  readonly allocatable: Readonly<Record<string, string>>;
  /** Where containers write, when parts of its speed can be asked for. */
  readonly disk?: Disk | undefined;
  readonly hugePages: readonly HugePages[];
}

/** Everything that pod workers share. */
export interface NodeContext {
  readonly config: AgentConfig;
  readonly node: NodeFacts;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly runtime: RuntimeClient;
  readonly images: ImageStore;
  readonly pulls: PullBoard;
  readonly snapshots: SnapshotDriver;
  readonly network: PodNetwork;
  readonly userRanges: UserRanges;
  readonly events: EventSink;
  readonly metrics: AgentMetrics;
  readonly seccomp: Seccomp;
  /** The ConfigMaps and Secrets of a namespace that the control plane has sent. */
  resources(namespace: string): ResourceLookup;
}
