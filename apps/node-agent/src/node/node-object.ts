import type { Node, NodeCondition, ResourceList } from '@gantry/api';
import { timestamp } from '@gantry/base';
import { diskResources } from '../bandwidth/disk-bandwidth.js';
import { networkResources } from '../bandwidth/network-bandwidth.js';
import type { AgentConfig } from '../config.js';
import { deviceResources } from '../devices/device-pools.js';
import type { Snapshotter } from '../snapshots/choose.js';
import type { Host } from './host.js';
import { hugePageResources, type HugePages } from './huge-pages.js';

/** What the agent measures of the host before it registers. */
export interface NodeMeasurements {
  readonly host: Host;
  readonly ip: string;
  readonly diskBytes: number;
  readonly hugePages: readonly HugePages[];
  readonly agentVersion: string;
  readonly snapshotter: Snapshotter;
}

/** What only some nodes have: huge pages, devices, and speeds that were made known. */
function extended(
  { devicePools, diskBandwidth, networkBandwidth }: AgentConfig,
  { hugePages }: NodeMeasurements,
): ResourceList {
  return {
    ...hugePageResources(hugePages),
    ...deviceResources(devicePools),
    ...diskResources(diskBandwidth),
    ...networkResources(networkBandwidth),
  };
}

function capacity(config: AgentConfig, at: NodeMeasurements): ResourceList {
  return {
    cpu: String(at.host.cpus),
    memory: `${Math.floor(at.host.memoryBytes / 1024)}Ki`,
    'ephemeral-storage': `${Math.floor(at.diskBytes / 1024)}Ki`,
    pods: String(config.maxPods),
    ...extended(config, at),
  };
}

const kibibytes = (bytes: number) => `${Math.max(0, Math.floor(bytes / 1024))}Ki`;

/** Capacity without what is reserved for the host. */
export function allocatable(config: AgentConfig, at: NodeMeasurements): ResourceList {
  const { reserved, maxPods } = config;
  const huge = at.hugePages.reduce((sum, { bytes }) => sum + bytes, 0);
  return {
    cpu: `${Math.max(0, at.host.cpus * 1000 - reserved.cpuMillis)}m`,
    memory: kibibytes(at.host.memoryBytes - reserved.memoryBytes - huge),
    'ephemeral-storage': kibibytes(at.diskBytes - reserved.ephemeralStorageBytes),
    pods: String(maxPods),
    ...extended(config, at),
  };
}

/** How containers get their roots here, and why not as they would elsewhere. */
function snapshotterAnnotations({ driver, fallbackReason }: Snapshotter): Record<string, string> {
  return {
    'gantry.dev/snapshotter': driver.name,
    ...(fallbackReason && { 'gantry.dev/snapshotter-reason': fallbackReason }),
  };
}

/** The Node as this agent sees it; spec belongs to the user and the control plane. */
export function nodeObject(
  config: AgentConfig,
  at: NodeMeasurements,
  conditions: NodeCondition[],
): Node {
  const { host, ip, agentVersion } = at;
  return {
    apiVersion: 'v1',
    kind: 'Node',
    metadata: {
      name: config.nodeName,
      labels: {
        'kubernetes.io/hostname': config.nodeName,
        'kubernetes.io/os': 'linux',
        'kubernetes.io/arch': host.architecture,
        ...config.labels,
      },
      annotations: snapshotterAnnotations(at.snapshotter),
    },
    spec: {},
    status: {
      capacity: capacity(config, at),
      allocatable: allocatable(config, at),
      conditions,
      addresses: [
        { type: 'InternalIP', address: ip },
        { type: 'Hostname', address: config.nodeName },
      ],
      nodeInfo: {
        machineID: host.machineId,
        systemUUID: host.systemUuid,
        bootID: host.bootId,
        kernelVersion: host.kernelVersion,
        osImage: host.osImage,
        containerRuntimeVersion: `gantry://${agentVersion}`,
        kubeletVersion: `v${agentVersion}`,
        operatingSystem: 'linux',
        architecture: host.architecture,
      },
    },
  };
}

/** One measurement of what can make a node unfit. */
export interface Pressure {
  readonly memoryAvailableBytes: number;
  readonly diskAvailableBytes: number;
  readonly diskTotalBytes: number;
  readonly freeInodes: number;
  readonly inodes: number;
  /** Why pods cannot be run at all, e.g. that there is no network yet. */
  readonly fault?: string;
}

// The kubelet's default eviction thresholds.
const memoryFloorBytes = 100 * 1024 * 1024;
const diskFloor = 0.1;
const inodeFloor = 0.05;

type Verdict = readonly [status: 'True' | 'False', reason: string, message: string];

function verdicts(now: Pressure): Record<string, Verdict> {
  const lowMemory = now.memoryAvailableBytes < memoryFloorBytes;
  const lowDisk = now.diskAvailableBytes < now.diskTotalBytes * diskFloor;
  // File systems without a fixed number of inodes report none.
  const lowInodes = now.inodes > 0 && now.freeInodes < now.inodes * inodeFloor;
  return {
    MemoryPressure: lowMemory
      ? ['True', 'AgentHasInsufficientMemory', 'the host has less than 100 MiB of memory available']
      : ['False', 'AgentHasSufficientMemory', 'agent has sufficient memory available'],
    DiskPressure:
      lowDisk || lowInodes
        ? [
            'True',
            'AgentHasDiskPressure',
            'the disk of the data directory is almost full: under 10 % of it or 5 % of its inodes are free; free some space or run gantry image prune',
          ]
        : ['False', 'AgentHasNoDiskPressure', 'agent has no disk pressure'],
    PIDPressure: ['False', 'AgentHasSufficientPID', 'agent has sufficient PID available'],
    Ready: now.fault
      ? ['False', 'AgentNotReady', now.fault]
      : ['True', 'AgentReady', 'agent is posting ready status'],
  };
}

/** The node's conditions; times of transition hold as long as a condition's status does. */
export function nodeConditions(
  now: Pressure,
  before: readonly NodeCondition[],
  nowMs: number,
): NodeCondition[] {
  return Object.entries(verdicts(now)).map(([type, [status, reason, message]]) => {
    const old = before.find((condition) => condition.type === type);
    if (old?.status === status && old.reason === reason && old.message === message) return old;
    const time = timestamp(nowMs);
    const lastTransitionTime = old?.status === status ? old.lastTransitionTime : time;
    return { type, status, reason, message, lastTransitionTime, lastHeartbeatTime: time };
  });
}
