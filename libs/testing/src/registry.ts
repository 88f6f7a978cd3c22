import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freePort } from './free-port.js';
import { tool } from './tools.js';

export interface RegistryOptions {
  /** Ask for `registryUser`. */
  readonly auth?: boolean;
  /** Certificate and key in PEM: speak TLS. */
  readonly tls?: { readonly cert: string; readonly key: string };
  /** Ask for bearer tokens of this server, signed by the key of this certificate (PEM). */
  readonly token?: { readonly realm: string; readonly certificate: string };
}

/** The only user of a registry that was started with `auth`. */
export const registryUser = { username: 'gantry', password: 'open-sesame' } as const;
const htpasswd = 'gantry:$2b$05$abcdefghijklmnopqrstuutXu9KzOt.1yBoZUeFWoT/914/JfszCO\n';

/** A real registry (Debian's docker-registry) on loopback, with a directory of its own. */
export interface TestRegistry {
  readonly port: number;
  /** `127.0.0.1:PORT`, to put before repository names. */
  readonly host: string;
  /** Ends it and removes its content. */
  stop(): Promise<void>;
}

const startTimeoutMs = 20_000;
const startAttempts = 3;
const pollMs = 25;

/** Starts a registry on a free port; the caller stops it. Throws with its last words when it cannot. */
export async function startRegistry(options: RegistryOptions = {}): Promise<TestRegistry> {
  let failure: unknown;
  for (let attempt = 0; attempt < startAttempts; attempt += 1) {
    const directory = await mkdtemp(join(tmpdir(), 'gantry-registry-'));
    const registry = new DockerRegistry(directory, await freePort(), options);
    try {
      await registry.start();
      return registry;
    } catch (error) {
      // Most likely another test was faster at the port.
      failure = error;
      await registry.stop();
    }
  }
  throw failure;
}

class DockerRegistry implements TestRegistry {
  private child?: ChildProcess;
  private output = '';

  constructor(
    private readonly directory: string,
    readonly port: number,
    private readonly options: RegistryOptions,
  ) {}

  get host(): string {
    return `127.0.0.1:${this.port}`;
  }

  async start(): Promise<void> {
    const config = join(this.directory, 'config.json');
    await writeFile(config, JSON.stringify(await this.config()));
    const stdio: ['ignore', 'ignore', 'pipe'] = ['ignore', 'ignore', 'pipe'];
    const child = spawn(await tool('docker-registry'), ['serve', config], { stdio });
    this.child = child;
    child.stderr.on('data', (chunk: Buffer) => {
      this.output = (this.output + chunk.toString()).slice(-4_000);
    });
    const deadline = Date.now() + startTimeoutMs;
    while (!(await this.answers())) {
      if (child.exitCode !== null || Date.now() > deadline) {
        throw new Error(`docker-registry did not start: ${this.output}`);
      }
      await new Promise((resolve) => {
        setTimeout(resolve, pollMs);
      });
    }
  }

  async stop(): Promise<void> {
    const { child } = this;
    if (child && child.exitCode === null && child.signalCode === null) {
      const exited = once(child, 'exit');
      child.kill('SIGKILL');
      await exited;
    }
    await rm(this.directory, { recursive: true, force: true });
  }

  /** JSON is YAML, which the registry reads. */
  private async config(): Promise<object> {
    const { auth, tls, token } = this.options;
    const files = {
      htpasswd: join(this.directory, 'htpasswd'),
      certificate: join(this.directory, 'tls.crt'),
      key: join(this.directory, 'tls.key'),
      tokenCertificate: join(this.directory, 'token.crt'),
    };
    await writeFile(files.htpasswd, htpasswd);
    if (tls) await writeFile(files.certificate, tls.cert);
    if (tls) await writeFile(files.key, tls.key, { mode: 0o600 });
    if (token) await writeFile(files.tokenCertificate, token.certificate);
    const tokenAuth = token && {
      realm: token.realm,
      service: 'gantry-registry',
      issuer: 'gantry-test',
      rootcertbundle: files.tokenCertificate,
    };
    return {
      version: '0.1',
      log: { level: 'error' },
      storage: {
        filesystem: { rootdirectory: join(this.directory, 'data') },
        delete: { enabled: true },
      },
      http: {
        addr: this.host,
        ...(tls && { tls: { certificate: files.certificate, key: files.key } }),
      },
      ...(auth && { auth: { htpasswd: { realm: 'gantry', path: files.htpasswd } } }),
      ...(tokenAuth && { auth: { token: tokenAuth } }),
    };
  }

  private async answers(): Promise<boolean> {
    try {
      const signal = AbortSignal.timeout(1_000);
      // A TLS server answers a request in clear too, if only to say so.
      await fetch(`http://${this.host}/v2/`, { signal });
      return true;
    } catch {
      return false;
    }
  }
}
