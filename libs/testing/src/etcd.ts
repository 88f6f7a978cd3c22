import { spawn, type ChildProcess } from 'node:child_process';
import { rmSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freePort } from './free-port.js';
import { tool } from './tools.js';

const startTimeoutMs = 20_000;
const startAttempts = 3;

/** A real etcd of one member on loopback, with a data directory of its own. */
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
  let failure: unknown;
  for (let attempt = 0; attempt < startAttempts; attempt += 1) {
    const server = await TestEtcd.create(tls);
    try {
      await server.start();
      return server;
    } catch (error) {
      // Most likely another test was faster at the port.
      failure = error;
      await server.stop();
    }
  }
  throw failure;
}

class TestEtcd implements EtcdServer {
  private child: ChildProcess | undefined;
  private readonly abandon = () => {
    this.child?.kill('SIGKILL');
    rmSync(this.directory, { recursive: true, force: true });
  };
  private output = '';

  private constructor(
    private readonly binary: string,
    private readonly directory: string,
    readonly port: number,
    private readonly peerPort: number,
    private readonly healthPort: number,
    private readonly tls: EtcdTls | undefined,
  ) {
    // A test process that ends early leaves nothing behind either.
    process.once('exit', this.abandon);
  }

  static async create(tls: EtcdTls | undefined): Promise<TestEtcd> {
    const binary = await tool('etcd');
    const directory = await mkdtemp(join(tmpdir(), 'gantry-etcd-'));
    const [port, peerPort, healthPort] = [await freePort(), await freePort(), await freePort()];
    return new TestEtcd(binary, directory, port, peerPort, healthPort, tls);
  }

  get endpoint(): string {
    return `${this.tls ? 'https' : 'http'}://127.0.0.1:${this.port}`;
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
    await rm(this.directory, { recursive: true, force: true });
  }

  private arguments(): string[] {
    const peer = `http://127.0.0.1:${this.peerPort}`;
    const flags = {
      name: 'test',
      'data-dir': join(this.directory, 'data'),
      'listen-client-urls': this.endpoint,
      'advertise-client-urls': this.endpoint,
      'listen-peer-urls': peer,
      'initial-advertise-peer-urls': peer,
      'initial-cluster': `test=${peer}`,
      'listen-metrics-urls': `http://127.0.0.1:${this.healthPort}`,
      'log-level': 'warn',
      ...this.tlsFlags(),
    };
    return Object.entries(flags).map(([flag, value]) => `--${flag}=${value}`);
  }

  private tlsFlags(): Record<string, string> {
    if (!this.tls) return {};
    const { ca, certificate, key } = this.tls;
    const files = { 'trusted-ca-file': ca, 'cert-file': certificate, 'key-file': key };
    return { ...files, 'client-cert-auth': 'true' };
  }

  private async healthy(): Promise<boolean> {
    try {
      const answer = await fetch(`http://127.0.0.1:${this.healthPort}/health`, {
        signal: AbortSignal.timeout(1_000),
      });
      return ((await answer.json()) as { health?: string }).health === 'true';
    } catch {
      return false;
    }
  }
}
