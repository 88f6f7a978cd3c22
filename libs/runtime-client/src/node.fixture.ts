import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readdir, readFile, rm, rmdir, symlink } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { silentLogger } from '@gantry/base';
import { writeBundle } from './bundle.js';
import { defaultSpec } from './default-spec.js';
import { Launcher } from './launcher.js';
import type { Spec } from './oci-spec.js';
import type { SandboxOptions } from './options.js';
import { RuntimeClient } from './runtime-client.js';

export const nativeDir = fileURLToPath(new URL('../../../native/target/release', import.meta.url));

/** A node's run directory with a launcher of its own; `remove` leaves nothing of it. */
export class TestNode {
  private readonly clients: RuntimeClient[] = [];
  private readonly sandboxes = new Set<string>();

  private constructor(readonly dir: string) {}

  static async create(): Promise<TestNode> {
    for (const binary of ['gantry-monitor', 'gantry-runtime', 'gantry-network']) {
      if (existsSync(join(nativeDir, binary))) continue;
      throw new Error(`${binary} is not built: cargo build --release in native/`);
    }
    return new TestNode(await mkdtemp('/run/gantry-test-client-'));
  }

  get options() {
    return { nativeDir, runDir: join(this.dir, 'run'), logger: silentLogger };
  }

  async connect(): Promise<RuntimeClient> {
    const client = await RuntimeClient.connect(this.options);
    this.clients.push(client);
    return client;
  }

  cgroupsPath(id: string): string {
    return `/gantry-test/${this.dir.split('/').at(-1)}/${id}`;
  }

  /** A sandbox that `remove` removes too. */
  async sandbox(client: RuntimeClient, name: string, options: Partial<SandboxOptions> = {}) {
    const dir = join(this.dir, name);
    this.sandboxes.add(dir);
    return client.createSandbox({ dir, hostname: name, ...options });
  }

  /** A bundle that runs `script` with the host's programs, which it sees read-only. */
  async bundle(id: string, script: string, change: (spec: Spec) => void = () => undefined) {
    const dir = join(this.dir, 'bundles', id);
    const spec = defaultSpec();
    spec.process.args = ['/bin/bash', '-c', script];
    spec.mounts.push({
      destination: '/usr',
      type: 'bind',
      source: '/usr',
      options: ['rbind', 'ro'],
    });
    spec.linux.cgroupsPath = this.cgroupsPath(id);
    change(spec);
    await writeBundle(dir, spec);
    for (const name of ['usr', 'proc', 'dev', 'sys', 'tmp', 'etc']) {
      await mkdir(join(dir, 'rootfs', name), { recursive: true });
    }
    for (const name of ['bin', 'sbin', 'lib', 'lib64']) {
      await symlink(`usr/${name}`, join(dir, 'rootfs', name)).catch(() => undefined);
    }
    return dir;
  }

  logPath(id: string): string {
    return join(this.dir, `${id}.log`);
  }

  /** Log entries without their timestamps. */
  async logEntries(id: string): Promise<string[]> {
    const text = await readFile(this.logPath(id), 'utf8');
    return text
      .trimEnd()
      .split('\n')
      .map((line) => line.slice(line.indexOf(' ') + 1));
  }

  async create(client: RuntimeClient, id: string, script: string, change?: (spec: Spec) => void) {
    const bundleDir = await this.bundle(id, script, change);
    return client.createContainer({
      containerId: id,
      bundleDir,
      cgroupsPath: this.cgroupsPath(id),
      logPath: this.logPath(id),
      annotations: { test: id },
    });
  }

  async shutDownLauncher(): Promise<void> {
    const launcher = new Launcher(this.options);
    await launcher.request('shutdown');
    launcher.close();
  }

  async remove(): Promise<void> {
    const client = await this.connect();
    for (const { containerId } of await client.list()) {
      await client.delete(containerId, { force: true });
    }
    for (const dir of this.sandboxes) await client.removeSandbox(dir);
    for (const each of this.clients) each.close();
    await this.shutDownLauncher();
    await removeCgroups(this.cgroupsPath(''));
    await rm(this.dir, { recursive: true, force: true });
  }
}

async function removeCgroups(path: string): Promise<void> {
  const root = '/sys/fs/cgroup';
  for (const hierarchy of [root, ...(await readdir(root)).map((name) => join(root, name))]) {
    for (const dir of [join(hierarchy, path), join(hierarchy, 'gantry-test')]) {
      await rmdir(dir).catch(() => undefined);
    }
  }
}

/** Waits for what another process does. */
export async function eventually<T>(what: string, probe: () => Promise<T | undefined>): Promise<T> {
  const end = Date.now() + 15_000;
  for (;;) {
    const found = await probe();
    if (found !== undefined) return found;
    if (Date.now() > end) throw new Error(`waited in vain: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}
