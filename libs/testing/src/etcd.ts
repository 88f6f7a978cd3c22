import { spawn, type ChildProcess } from 'node:child_process';
import { rmSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freePort } from './free-port.js';
import { tool } from './tools.js';

const startTimeoutMs = 20_000;
const startAttempts = 3;

/** One member of a real etcd on loopback, with a data directory of its own. */
export interface EtcdServer {
  readonly port: number;
  /** `http://127.0.0.1:PORT`, or https. */
  readonly endpoint: string;
  readonly pid: number | undefined;
  /** SIGKILL: what it had acknowledged must be there after `start`. */
  kill(): Promise<void>;
  /** Starts it again on the same port and data. */
  start(): Promise<void>;
  /** Ends it and removes its data. */
  stop(): Promise<void>;
}

/** PEM files with which etcd speaks TLS and demands client certificates of the same CA. */
export interface EtcdTls {
  readonly ca: string;
  readonly certificate: string;
  readonly key: string;
}

/**
 * Starts etcd on a free port; the caller stops it. Throws with etcd's last words when it cannot.
 */
export async function startEtcd(tls?: EtcdTls): Promise<EtcdServer> {
  const [server] = await startEtcdMembers(1, { tls });
  return server!;
}

export interface EtcdMembersOptions {
  readonly tls?: EtcdTls;
  /** Further flags of each member, without their dashes. */
  readonly flags?: Readonly<Record<string, string>>;
}

/** Starts the members of one etcd on loopback, as `startEtcd` does one; the caller stops each. */
export async function startEtcdMembers(
  count: number,
  options: EtcdMembersOptions = {},
): Promise<EtcdServer[]> {
  let failure: unknown;
  for (let attempt = 0; attempt < startAttempts; attempt += 1) {
    const members = await TestEtcd.create(count, options);
    try {
      await Promise.all(members.map((member) => member.start()));
      return members;
    } catch (error) {
      // Most likely another test was faster at the port.
      failure = error;
      await Promise.all(members.map((member) => member.stop()));
    }
  }
  throw failure;
}

interface Place {
  readonly name: string;
  readonly directory: string;
  readonly port: number;
  readonly peerPort: number;
  readonly healthPort: number;
  /** NAME=PEER-URL of all members. */
  readonly cluster: string;
}

async function places(count: number): Promise<Place[]> {
  const ports: number[] = [];
  for (let i = 0; i < count * 3; i += 1) ports.push(await freePort());
  const names = Array.from({ length: count }, (_, i) => `member-${i}`);
  const cluster = names.map((name, i) => `${name}=http://127.0.0.1:${ports[i * 3]!}`).join(',');
  return Promise.all(
    names.map(async (name, i) => {
      const [peerPort, port, healthPort] = ports.slice(i * 3, i * 3 + 3) as [
        number,
        number,
        number,
      ];
      const directory = await mkdtemp(join(tmpdir(), 'gantry-etcd-'));
      return { name, directory, port, peerPort, healthPort, cluster };
    }),
  );
}

class TestEtcd implements EtcdServer {
  private child: ChildProcess | undefined;
  private readonly abandon = () => {
    this.child?.kill('SIGKILL');
    rmSync(this.place.directory, { recursive: true, force: true });
  };
  private output = '';

  private constructor(
    private readonly binary: string,
    private readonly place: Place,
    private readonly options: EtcdMembersOptions,
  ) {
    // A test process that ends early leaves nothing behind either.
    process.once('exit', this.abandon);
  }

  static async create(count: number, options: EtcdMembersOptions): Promise<TestEtcd[]> {
    const binary = await tool('etcd');
    return (await places(count)).map((place) => new TestEtcd(binary, place, options));
  }

  get port(): number {
    return this.place.port;
  }

  get endpoint(): string {
    return `${this.options.tls ? 'https' : 'http'}://127.0.0.1:${this.port}`;
  }

  get pid(): number | undefined {
    return this.child?.pid;
  }

  async start(): Promise<void> {
    this.output = '';
    const child = spawn(this.binary, this.arguments(), { stdio: ['ignore', 'ignore', 'pipe'] });
    this.child = child;
    child.stderr?.on('data', (chunk: Buffer) => {
      this.output = (this.output + chunk.toString()).slice(-4_000);
    });
    const deadline = Date.now() + startTimeoutMs;
    while (!(await this.healthy())) {
      if (child.exitCode !== null || Date.now() > deadline) {
        throw new Error(`etcd did not start: ${this.output}`);
      }
      await new Promise((resolve) => {
        setTimeout(resolve, 25);
      });
    }
  }

  async kill(): Promise<void> {
    const child = this.child;
    if (!child || child.exitCode !== null || child.signalCode !== null) return;
    await new Promise<void>((resolve) => {
      child.once('exit', () => resolve());
      child.kill('SIGKILL');
    });
  }

  async stop(): Promise<void> {
    process.off('exit', this.abandon);
    await this.kill();
    await rm(this.place.directory, { recursive: true, force: true });
  }

  private arguments(): string[] {
    const { name, directory, peerPort, healthPort, cluster } = this.place;
    const peer = `http://127.0.0.1:${peerPort}`;
    const flags = {
      name,
      'data-dir': join(directory, 'data'),
      'listen-client-urls': this.endpoint,
      'advertise-client-urls': this.endpoint,
      'listen-peer-urls': peer,
      'initial-advertise-peer-urls': peer,
      'initial-cluster': cluster,
      'listen-metrics-urls': `http://127.0.0.1:${healthPort}`,
      'log-level': 'warn',
      ...this.tlsFlags(),
      ...this.options.flags,
    };
    return Object.entries(flags).map(([flag, value]) => `--${flag}=${value}`);
  }

  private tlsFlags(): Record<string, string> {
    const { tls } = this.options;
    if (!tls) return {};
    const { ca, certificate, key } = tls;
    const files = { 'trusted-ca-file': ca, 'cert-file': certificate, 'key-file': key };
    return { ...files, 'client-cert-auth': 'true' };
  }

  private async healthy(): Promise<boolean> {
    try {
      const answer = await fetch(`http://127.0.0.1:${this.place.healthPort}/health`, {
        signal: AbortSignal.timeout(1_000),
      });
      return ((await answer.json()) as { health?: string }).health === 'true';
    } catch {
      return false;
    }
  }
}
