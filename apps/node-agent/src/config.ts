import { hostname } from 'node:os';
import { readFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import type { LogLevel } from '@gantry/base';
import { parseDiskBandwidth, type DiskBandwidth } from './bandwidth/disk-bandwidth.js';
import { parseNetworkBandwidth, type NetworkBandwidth } from './bandwidth/network-bandwidth.js';
import { readDevicePools, type DevicePool } from './devices/device-pools.js';
import type { ForeignNetworkOptions } from './network/pod-network.js';
import { parseUserRange, type UserRangeConfig } from './pods/user-ranges.js';
import {
  noServers,
  parseCaHash,
  parseCgroup,
  parseDirectory,
  parseInteger,
  parseLabels,
  parseLogLevel,
  parseNodeName,
  parseServers,
  parseSnapshotter,
} from './flag-values.js';
import { parseBytes, parseCpuMillis } from './quantity.js';
import { parseRuntimeHandlers } from './runtime-handlers.js';
import type { SnapshotterChoice } from './snapshots/driver.js';

/** What the agent keeps back from pods for the host itself. */
export interface Reserved {
  readonly cpuMillis: number;
  readonly memoryBytes: number;
  readonly ephemeralStorageBytes: number;
}

/** When unused images are removed. 100 for `highPercent` is never. */
export interface ImageGarbageConfig {
  readonly highPercent: number;
  readonly lowPercent: number;
  readonly periodSeconds: number;
  readonly minimumAgeSeconds: number;
}

/** Everything the agent is told at start; frozen. See `usage` for the meaning of each flag. */
export interface AgentConfig {
  readonly servers: readonly string[];
  readonly caHash?: string;
  readonly token?: string;
  readonly nodeName: string;
  readonly nodeIp?: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly dataDir: string;
  readonly runDir: string;
  readonly nativeDir: string;
  readonly cgroupRoot: string;
  readonly bridge: string;
  /** Binaries of OCI runtimes by the handler that a RuntimeClass names; ours is not among them. */
  readonly runtimeHandlers: Readonly<Record<string, string>>;
  /** CNI plugins other than ours; absent: ours. */
  readonly foreignNetwork?: ForeignNetworkOptions;
  /** Whence pods with hostUsers: false get their ids. */
  readonly podUserIds: UserRangeConfig;
  readonly metricsPort: number;
  readonly maxPods: number;
  readonly reserved: Reserved;
  /** What pods may ask for of the disk's and the network's speed; nothing that is not named. */
  readonly diskBandwidth: DiskBandwidth;
  readonly networkBandwidth: NetworkBandwidth;
  /** Devices that containers may be given. */
  readonly devicePools: readonly DevicePool[];
  readonly pidsLimit: number;
  readonly restartBackoffMs: number;
  readonly logMaxBytes: number;
  readonly logMaxFiles: number;
  readonly imageGarbage: ImageGarbageConfig;
  /** How containers get their root file systems. */
  readonly snapshotter: SnapshotterChoice;
  /** Where this node serves layers to its peers; undefined: nowhere. */
  readonly peerPort?: number;
  /** What all peers together get, in bytes per second; 0 is without a bound. */
  readonly peerBytesPerSecond: number;
  readonly registriesFile?: string;
  readonly logLevel: LogLevel;
}

/** All faults of the command line together; `message` is what a person should see. */
export class ConfigError extends Error {
  constructor(readonly faults: readonly string[]) {
    super(`${faults.join('\n')}\nsee gantry-agent --help`);
    this.name = 'ConfigError';
  }
}

interface Flag {
  readonly value: string;
  readonly fallback?: string;
  readonly help: string;
}

const flags: Record<string, Flag> = {
  server: { value: 'HOST:PORT[,…]', help: "the control planes' agent gateways" },
  'ca-hash': { value: 'sha256:HEX', help: "digest of the cluster's CA certificate (first join)" },
  token: { value: 'TOKEN', help: 'join token (first join)' },
  'token-file': { value: 'FILE', help: 'reads the join token from a file, out of sight of ps' },
  'node-name': { value: 'NAME', help: "name of this node (default: the host's)" },
  'node-ip': {
    value: 'IP',
    help: 'address that other nodes reach (default: that of the route to the server)',
  },
  labels: { value: 'K=V[,…]', fallback: '', help: 'labels of the node' },
  'data-dir': { value: 'DIR', fallback: '/var/lib/gantry', help: 'images, pods, identity' },
  'run-dir': { value: 'DIR', fallback: '/run/gantry', help: 'state of this boot' },
  'native-dir': {
    value: 'DIR',
    fallback: '/usr/lib/gantry/bin',
    help: 'where gantry-runtime and its kin are',
  },
  'cgroup-root': { value: 'PATH', fallback: '/gantry', help: 'cgroup under which pods live' },
  bridge: { value: 'NAME', fallback: 'gantry0', help: "the pod network's bridge on this host" },
  'cni-conf-dir': {
    value: 'DIR',
    help: 'use the CNI network that is configured here instead of our own',
  },
  'cni-bin-dir': {
    value: 'DIR[,…]',
    fallback: '/opt/cni/bin,/usr/lib/cni',
    help: 'where the programs of that network are',
  },
  'pod-user-ids': {
    value: 'FIRST-LAST',
    // What systemd's list of ids leaves unused.
    fallback: '1879048192-2147352575',
    help: 'user and group ids of the host that are given to pods with hostUsers: false, 65536 each',
  },
  'runtime-handler': {
    value: 'NAME=FILE[,…]',
    fallback: '',
    help: 'further OCI runtimes, by the handler of a RuntimeClass; "gantry" is built in',
  },
  'metrics-port': {
    value: 'PORT',
    fallback: '6445',
    help: 'metrics and health on 127.0.0.1; 0 picks one',
  },
  'max-pods': { value: 'N', fallback: '110', help: 'pods at most' },
  'reserved-cpu': { value: 'CPU', fallback: '100m', help: 'kept back for the host' },
  'reserved-memory': { value: 'BYTES', fallback: '256Mi', help: 'kept back for the host' },
  'reserved-ephemeral-storage': { value: 'BYTES', fallback: '1Gi', help: 'kept back for the host' },
  'disk-bandwidth': {
    value: 'RATE=N[,…]',
    fallback: '',
    help: 'what pods may ask for of the disk in a second: read=500Mi,write=200Mi,read-ops=5k,write-ops=5k',
  },
  'network-bandwidth': {
    value: 'RATE=N[,…]',
    fallback: '',
    help: 'what pods may ask for of the network, in bits per second: ingress=1G,egress=1G',
  },
  devices: { value: 'FILE', help: 'JSON file of the devices that pods may ask for' },
  'pids-limit': {
    value: 'N',
    fallback: '4096',
    help: 'processes and threads per container at most',
  },
  'restart-backoff': {
    value: 'MS',
    fallback: '10000',
    help: 'first delay before a crashed container restarts; doubles up to 5 min',
  },
  'log-max-bytes': {
    value: 'BYTES',
    fallback: '10Mi',
    help: 'size at which a container log is rotated',
  },
  'log-max-files': { value: 'N', fallback: '5', help: 'rotated log files kept per container' },
  'image-gc-high': {
    value: 'PERCENT',
    fallback: '85',
    help: 'usage of the disk from which on unused images are removed; 100 never',
  },
  'image-gc-low': {
    value: 'PERCENT',
    fallback: '80',
    help: 'usage of the disk at which that ends',
  },
  'image-gc-period': { value: 'SECONDS', fallback: '60', help: 'how often the disk is looked at' },
  'image-gc-minimum-age': {
    value: 'SECONDS',
    fallback: '120',
    help: 'images that were pulled since are kept',
  },
  snapshotter: {
    value: 'NAME',
    fallback: 'auto',
    help: 'how roots are made: overlay, copy, erofs, or auto (overlay where this host can, else copy)',
  },
  'peer-port': {
    value: 'PORT',
    fallback: '6446',
    help: "serves layers to other nodes on the node's address; 0 picks one, off serves none",
  },
  'peer-bandwidth': {
    value: 'BYTES',
    fallback: '100Mi',
    help: 'what other nodes get together in a second; 0 is without a bound',
  },
  registries: {
    value: 'FILE',
    help: 'JSON file of registry settings: mirrors, credentials, CAs, plain HTTP',
  },
  'log-level': { value: 'LEVEL', fallback: 'info', help: 'debug, info, warn, error or silent' },
};

export const usage = [
  'usage: gantry-agent --server HOST:6444 [flags]',
  '       gantry-agent teardown [flags]     remove every pod and the pod network of this host',
  '',
  ...Object.entries(flags).map(([name, flag]) => {
    const fallback = flag.fallback ? ` (default ${flag.fallback})` : '';
    return `  --${name} ${flag.value}`.padEnd(40) + ` ${flag.help}${fallback}`;
  }),
].join('\n');

type Values = Record<string, string | undefined>;

function readFlags(argv: readonly string[]): Values {
  const options = Object.fromEntries(
    Object.keys(flags).map((name) => [name, { type: 'string' as const }]),
  );
  try {
    const { values } = parseArgs({ args: [...argv], options, strict: true });
    const fallbacks = Object.entries(flags).map(([name, flag]) => [name, flag.fallback]);
    return { ...Object.fromEntries(fallbacks), ...values };
  } catch (error) {
    throw new ConfigError([(error as Error).message]);
  }
}

/** Reads each flag, notes its fault, and goes on. */
class Reader {
  readonly faults: string[] = [];

  constructor(private readonly values: Values) {}

  text(name: string): string | undefined {
    return this.values[name] || undefined;
  }

  read<T>(name: string, parse: (text: string) => T): T {
    const text = this.values[name] ?? '';
    try {
      return parse(text);
    } catch (error) {
      this.faults.push(`--${name} ${JSON.stringify(text)}: ${(error as Error).message}`);
      return undefined as T;
    }
  }
}

/** Less than that and a transfer looks dead to the peer that waits for it. */
const minBandwidth = 2 ** 20;

function parseBandwidth(text: string): number {
  const bytes = parseBytes(text);
  if (bytes === 0 || bytes >= minBandwidth) return bytes;
  throw new Error('must be 0 (no bound) or 1Mi at least; to serve no peer use --peer-port off');
}

function readToken(reader: Reader): string | undefined {
  const file = reader.text('token-file');
  if (file === undefined) return reader.text('token');
  if (reader.text('token')) reader.faults.push('--token and --token-file exclude each other');
  return reader.read('token-file', (path) => readFileSync(path, 'utf8').trim());
}

function readReserved(reader: Reader): Reserved {
  return Object.freeze({
    cpuMillis: reader.read('reserved-cpu', parseCpuMillis),
    memoryBytes: reader.read('reserved-memory', parseBytes),
    ephemeralStorageBytes: reader.read('reserved-ephemeral-storage', parseBytes),
  });
}

function readImageGarbage(reader: Reader): ImageGarbageConfig {
  const garbage = {
    highPercent: reader.read('image-gc-high', parseInteger(1, 100)),
    lowPercent: reader.read('image-gc-low', parseInteger(0, 100)),
    periodSeconds: reader.read('image-gc-period', parseInteger(1, 86_400)),
    minimumAgeSeconds: reader.read('image-gc-minimum-age', parseInteger(0, 31_536_000)),
  };
  if (garbage.lowPercent > garbage.highPercent) {
    reader.faults.push('--image-gc-low must not be above --image-gc-high');
  }
  return Object.freeze(garbage);
}

function readForeignNetwork(reader: Reader): ForeignNetworkOptions | undefined {
  if (reader.text('cni-conf-dir') === undefined) return undefined;
  return Object.freeze({
    confDir: reader.read('cni-conf-dir', parseDirectory),
    binDirs: reader.read('cni-bin-dir', (text) => text.split(',').map(parseDirectory)),
  });
}

/**
 * Parses the command line; throws ConfigError with every fault at once. Only an agent that serves needs to
 * know a server.
 */
export function parseConfig(
  argv: readonly string[],
  command: 'serve' | 'teardown' = 'serve',
): AgentConfig {
  const values = readFlags(argv);
  values['node-name'] ??= hostname().toLowerCase();
  const reader = new Reader(values);
  const config: AgentConfig = {
    servers: reader.read('server', command === 'serve' ? parseServers : noServers),
    caHash: reader.read('ca-hash', parseCaHash),
    token: readToken(reader),
    nodeName: reader.read('node-name', parseNodeName),
    nodeIp: reader.text('node-ip'),
    labels: reader.read('labels', parseLabels),
    dataDir: reader.read('data-dir', parseDirectory),
    runDir: reader.read('run-dir', parseDirectory),
    nativeDir: reader.read('native-dir', parseDirectory),
    cgroupRoot: reader.read('cgroup-root', parseCgroup),
    bridge: reader.text('bridge')!,
    foreignNetwork: readForeignNetwork(reader),
    podUserIds: reader.read('pod-user-ids', parseUserRange),
    runtimeHandlers: reader.read('runtime-handler', parseRuntimeHandlers),
    metricsPort: reader.read('metrics-port', parseInteger(0, 65_535)),
    maxPods: reader.read('max-pods', parseInteger(1, 10_000)),
    reserved: readReserved(reader),
    diskBandwidth: reader.read('disk-bandwidth', parseDiskBandwidth),
    networkBandwidth: reader.read('network-bandwidth', parseNetworkBandwidth),
    devicePools: reader.read('devices', (file) => (file === '' ? [] : readDevicePools(file))),
    pidsLimit: reader.read('pids-limit', parseInteger(1, 4_194_304)),
    restartBackoffMs: reader.read('restart-backoff', parseInteger(1, 300_000)),
    logMaxBytes: reader.read('log-max-bytes', parseBytes),
    logMaxFiles: reader.read('log-max-files', parseInteger(2, 1000)),
    imageGarbage: readImageGarbage(reader),
    snapshotter: reader.read('snapshotter', parseSnapshotter),
    peerPort: reader.read('peer-port', (text) =>
      text === 'off' ? undefined : parseInteger(0, 65_535)(text),
    ),
    peerBytesPerSecond: reader.read('peer-bandwidth', parseBandwidth),
    registriesFile: reader.text('registries'),
    logLevel: reader.read('log-level', parseLogLevel),
  };
  if (reader.faults.length > 0) throw new ConfigError(reader.faults);
  return Object.freeze(config);
}
