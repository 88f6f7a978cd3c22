import { hostname } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { maxRebalanceMoves } from '@gantry/api';
import type { LogLevel } from '@gantry/base';
import { parseStoreLocation, type StoreLocation } from '@gantry/store';
import { customProfile, profiles, type Profile, type ProfileName } from '@gantry/scheduler';
import { FlagReader, flagOptions, type Flag } from './flags.js';

const threadChoices = ['auto', 'own', 'main'] as const;
export type ThreadChoice = (typeof threadChoices)[number];

/** Everything that can be set; frozen, read once at start. Times in the unit of their name. */
export interface Config {
  readonly dataDir: string;
  readonly store: StoreLocation;
  /** PEM files for an etcd that wants TLS. */
  readonly etcdCa?: string;
  readonly etcdCertificate?: string;
  readonly etcdKey?: string;
  /** Address that both ports listen on. */
  readonly bindAddress: string;
  /** 0 takes a free port. */
  readonly apiPort: number;
  readonly gatewayPort: number;
  /** How agents, clients and other control planes reach this one. */
  readonly advertiseAddress: string;
  /** Further names and addresses for the serving certificate. */
  readonly tlsSans: readonly string[];
  /** Who this is among several control planes. */
  readonly identity: string;
  readonly clusterCidr: string;
  readonly nodeCidrMask: number;
  /** A node without a session for so long is Unknown and unreachable. */
  readonly nodeGraceSeconds: number;
  /** Pods of an unreachable node are given up so long after that. */
  readonly podEvictionSeconds: number;
  readonly heartbeatMillis: number;
  readonly agentCertificateHours: number;
  readonly eventTtlMinutes: number;
  /** The leadership of a control plane that died passes on after this time. */
  readonly leaseSeconds: number;
  readonly compactionMinutes: number;
  /** By what rules pods are placed. */
  readonly schedulingProfile: Profile;
  /** How often pods are moved to better places; undefined: only when it is asked for. */
  readonly rebalanceEveryMillis?: number | undefined;
  /** Pods that each such rebalance moves at most. */
  readonly rebalanceMaxMoves: number;
  /** Whether the scheduler has a thread of its own; `auto`: where the store is etcd and there are cores for it. */
  readonly schedulingThread: ThreadChoice;
  /** From so many pods on the scheduler keeps a checkpoint; 0: never. */
  readonly checkpointPods: number;
  /** JSON list of {hash, user, groups}; hash is the SHA-256 of a bearer token in hexadecimal. */
  readonly tokenFile?: string;
  /** Where the scheduler's decisions are recorded, to be replayed; nowhere by default. */
  readonly decisionLog?: string;
  readonly logLevel: LogLevel;
}

/** The flags of `serve`, in the order of the help text. */
export const serveFlags = {
  'data-dir': {
    value: 'DIR',
    help: "certificates, keys and the scheduler's checkpoint",
    default: '/var/lib/gantry/control-plane',
  },
  store: {
    value: 'STORE',
    help: 'embedded:FILE, memory, or etcd:URL[,URL…]',
    default: 'embedded:DATA-DIR/store.db',
  },
  'etcd-ca': { value: 'FILE', help: 'CA certificate of etcd (https endpoints)' },
  'etcd-cert': { value: 'FILE', help: 'client certificate for etcd' },
  'etcd-key': { value: 'FILE', help: 'its key' },
  'bind-address': { value: 'IP', help: 'address to listen on', default: '::' },
  'api-port': { value: 'PORT', help: 'port of the API (https)', default: '6443' },
  'gateway-port': { value: 'PORT', help: 'port for agents (gRPC)', default: '6444' },
  'advertise-address': {
    value: 'HOST',
    help: 'how others reach this machine',
    default: '127.0.0.1',
  },
  'tls-san': {
    value: 'NAME[,NAME…]',
    help: 'further names in the serving certificate',
    default: '',
  },
  identity: { value: 'NAME', help: 'name among several control planes', default: 'HOSTNAME' },
  'cluster-cidr': { value: 'CIDR', help: 'addresses of all pods', default: '10.42.0.0/16' },
  'node-cidr-mask': { value: 'BITS', help: "size of one node's part of it", default: '24' },
  'node-grace-seconds': {
    value: 'N',
    help: 'a silent node is unreachable after this time',
    default: '20',
  },
  'pod-eviction-seconds': {
    value: 'N',
    help: 'its pods are replaced this much later',
    default: '30',
  },
  'heartbeat-millis': { value: 'N', help: 'how often agents report', default: '3000' },
  'agent-certificate-hours': { value: 'N', help: 'lifetime of agent certificates', default: '168' },
  'event-ttl-minutes': { value: 'N', help: 'how long events are kept', default: '60' },
  'lease-seconds': { value: 'N', help: 'a dead leader is replaced after this time', default: '6' },
  'compaction-minutes': { value: 'N', help: 'how often old history is dropped', default: '5' },
  'scheduling-profile': {
    value: 'NAME',
    help: 'bin-pack, spread or balanced (docs/scheduling-profiles.md)',
    default: 'bin-pack',
  },
  'score-weights': {
    value: 'SCORE=WEIGHT[,…]',
    help: 'weights of the scores of that profile; 0 leaves one out',
    default: '',
  },
  'rebalance-every': {
    value: 'DURATION',
    help: 'move pods to better places this often, e.g. 6h (docs/rebalancing.md), or off',
    default: 'off',
  },
  'rebalance-max-moves': { value: 'N', help: 'pods moved each time, at most', default: '5' },
  'scheduling-thread': {
    value: 'auto|own|main',
    help: 'a thread of its own for the scheduler (auto: with etcd and four cores)',
    default: 'auto',
  },
  'checkpoint-pods': {
    value: 'N',
    help: 'with so many pods the scheduler keeps a checkpoint to restart fast, 0: never',
    default: '10000',
  },
  'token-file': { value: 'FILE', help: 'bearer tokens: [{"hash", "user", "groups"}]' },
  'decision-log': {
    value: 'FILE',
    help: 'record what the scheduler decides (two files of 64 MiB)',
  },
  'log-level': { value: 'LEVEL', help: 'debug, info, warn, error or silent', default: 'info' },
} as const satisfies Record<string, Flag>;

const logLevels: readonly LogLevel[] = ['debug', 'info', 'warn', 'error', 'silent'];

const profileNames = Object.keys(profiles) as ProfileName[];

/** The profile with these weights: `pack=2,preferredTaints=0`. */
function parseProfile(name: ProfileName, text: string): Profile {
  const pairs = text.split(',').filter((pair) => pair !== '');
  const weights = pairs.map((pair) => {
    const [score = '', weight = ''] = pair.split('=');
    return [score, weight.trim() === '' ? Number.NaN : Number(weight)] as const;
  });
  return customProfile(name, { weights: Object.fromEntries(weights) });
}

const periodUnits: Readonly<Record<string, number>> = { s: 1_000, m: 60_000, h: 3_600_000 };

/** `6h`, `30m` or `90s` in milliseconds; `off` is undefined. */
function parsePeriod(text: string): number | undefined {
  if (text === 'off') return undefined;
  const [, amount, unit] = /^([1-9]\d{0,4})([smh])$/.exec(text) ?? [];
  if (unit === undefined) throw new Error(`${text}: give a time such as 6h, 30m or 90s, or off`);
  return Number(amount) * periodUnits[unit]!;
}

/**
 * Reads flags, then the environment (`--api-port` is GANTRY_API_PORT), then defaults. BadRequest
 * lists every fault, each with its flag.
 */
export function parseConfig(argv: readonly string[], env: NodeJS.ProcessEnv = {}): Config {
  const options = flagOptions(serveFlags);
  const { values } = parseArgs({ args: [...argv], options, strict: false, tokens: false });
  const read = new FlagReader(serveFlags, values, env);
  read.refuseUnknown();
  const dataDir = read.text('data-dir');
  const config: Config = {
    dataDir,
    store: read.parsed('store', (text) =>
      parseStoreLocation(text.replace('DATA-DIR', () => dataDir)),
    ),
    etcdCa: read.optional('etcd-ca'),
    etcdCertificate: read.optional('etcd-cert'),
    etcdKey: read.optional('etcd-key'),
    bindAddress: read.address('bind-address'),
    apiPort: read.integer('api-port', 0, 65_535),
    gatewayPort: read.integer('gateway-port', 0, 65_535),
    advertiseAddress: read.host('advertise-address'),
    tlsSans: read.list('tls-san'),
    identity: read.text('identity').replace(/^HOSTNAME$/, hostname),
    clusterCidr: read.cidr('cluster-cidr'),
    nodeCidrMask: read.integer('node-cidr-mask', 9, 30),
    nodeGraceSeconds: read.integer('node-grace-seconds', 1, 86_400),
    podEvictionSeconds: read.integer('pod-eviction-seconds', 0, 86_400),
    heartbeatMillis: read.integer('heartbeat-millis', 100, 60_000),
    agentCertificateHours: read.integer('agent-certificate-hours', 1, 24 * 365),
    eventTtlMinutes: read.integer('event-ttl-minutes', 1, 60 * 24 * 30),
    leaseSeconds: read.integer('lease-seconds', 2, 300),
    compactionMinutes: read.integer('compaction-minutes', 1, 1_440),
    schedulingProfile: read.parsed('score-weights', (text) =>
      parseProfile(read.oneOf('scheduling-profile', profileNames), text),
    ),
    rebalanceEveryMillis: read.parsed('rebalance-every', parsePeriod),
    rebalanceMaxMoves: read.integer('rebalance-max-moves', 1, maxRebalanceMoves),
    schedulingThread: read.oneOf('scheduling-thread', threadChoices),
    checkpointPods: read.integer('checkpoint-pods', 0, 10_000_000),
    tokenFile: read.optional('token-file'),
    decisionLog: read.optional('decision-log'),
    logLevel: read.oneOf('log-level', logLevels),
  };
  read.require(
    config.nodeCidrMask > Number(config.clusterCidr.split('/')[1]),
    `--node-cidr-mask ${config.nodeCidrMask} leaves no node a part of ${config.clusterCidr}`,
  );
  read.require(
    config.schedulingThread !== 'own' || config.store?.type === 'etcd',
    '--scheduling-thread own needs --store etcd:URL: another store cannot be opened twice',
  );
  read.require(
    !config.etcdCertificate === !config.etcdKey,
    '--etcd-cert and --etcd-key belong together: give both',
  );
  read.throwFaults();
  return Object.freeze(config);
}

/** A configuration for specs: in memory, free ports, its own directory. */
export function testConfig(dataDir: string, overrides: Partial<Config> = {}): Config {
  const flags = {
    store: 'memory',
    'scheduling-thread': 'main',
    'bind-address': '127.0.0.1',
    'api-port': '0',
  };
  const args = Object.entries({ ...flags, 'gateway-port': '0', 'log-level': 'silent' });
  const argv = args.map(([flag, value]) => `--${flag}=${value}`);
  const config = parseConfig([...argv, `--data-dir=${dataDir}`, '--identity=test']);
  return Object.freeze({ ...config, ...overrides });
}

/** Where certificates and keys lie. */
export function pkiDirectory(config: Pick<Config, 'dataDir'>): string {
  return join(config.dataDir, 'pki');
}
