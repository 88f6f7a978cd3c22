import { execFileSync } from 'node:child_process';
import { copyFileSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { checkout } from '../cluster/cluster.ts';
import { TestNetwork } from '../cluster/network.ts';
import { must, run, type Outcome } from '../cluster/process.ts';

export interface ContainerOptions {
  readonly name: string;
  readonly command: readonly string[];
  /** Bytes. */
  readonly memory?: number;
  readonly pids?: number;
}

/** A container engine of Debian's that is told which OCI runtime to drive. */
export interface Engine {
  readonly name: string;
  /** Runs to the end, in the foreground, and removes the container. */
  run(runtime: string, options: ContainerOptions): Promise<Outcome>;
  startDetached(runtime: string, options: ContainerOptions): Promise<void>;
  exec(runtime: string, name: string, command: readonly string[]): Promise<Outcome>;
  /** SIGTERM, then SIGKILL after a second; then the container is removed. */
  stopAndRemove(runtime: string, name: string): Promise<void>;
  /** SIGKILL at once; then the container is removed. */
  killAndRemove(runtime: string, name: string): Promise<void>;
  close(): Promise<void>;
}

/** Where an engine of a test keeps everything, in namespaces that vanish with it. */
export class Workshop {
  readonly directory = mkdtempSync('/var/tmp/gantry-engine-');
  readonly network: TestNetwork;

  private constructor(network: TestNetwork) {
    this.network = network;
  }

  static async open(): Promise<Workshop> {
    return new Workshop(await TestNetwork.create());
  }

  path(...parts: string[]): string {
    return join(this.directory, ...parts);
  }

  inside(argv: readonly string[]): string[] {
    return this.network.inside(argv);
  }

  run(argv: readonly string[], env: NodeJS.ProcessEnv = {}): Promise<Outcome> {
    return run(this.inside(argv), { env: { ...process.env, ...env } });
  }

  must(argv: readonly string[], env: NodeJS.ProcessEnv = {}): Promise<string> {
    return must(this.inside(argv), { env: { ...process.env, ...env } });
  }

  /** A root filesystem of one static busybox, as a tar archive. */
  async rootfs(): Promise<string> {
    const tools = (await must([join(checkout, 'deploy/tools.sh'), 'busybox'])).trim();
    const root = this.path('rootfs');
    for (const part of ['bin', 'etc', 'tmp']) mkdirSync(join(root, part), { recursive: true });
    copyFileSync(join(tools, 'busybox'), join(root, 'bin/busybox'));
    const applets = execFileSync(join(tools, 'busybox'), ['--list'], { encoding: 'utf8' });
    for (const applet of applets.split('\n')) {
      if (applet && applet !== 'busybox') symlinkSync('busybox', join(root, 'bin', applet));
    }
    writeFileSync(join(root, 'etc/passwd'), 'root:x:0:0:root:/:/bin/sh\n');
    await must(['tar', '-C', root, '-cf', this.path('rootfs.tar'), '.']);
    return this.path('rootfs.tar');
  }

  async close(): Promise<void> {
    await this.network.close();
    rmSync(this.directory, { recursive: true, force: true });
  }
}
