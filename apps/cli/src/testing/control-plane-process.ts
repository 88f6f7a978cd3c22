import { spawn, type ChildProcess } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { ApiClient, loadKubeconfig, resolveContext } from '@gantry/client';

const root = fileURLToPath(new URL('../../../../', import.meta.url));
const program = join(root, 'apps/control-plane/dist/bundle/gantry-control-plane.js');
const startMs = 30_000;

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => {
    server.close(resolve);
  });
  return port;
}

/** A real control plane, built, with its store in memory; gone with all it made after `stop`. */
export class ControlPlaneProcess {
  private constructor(
    private readonly process: ChildProcess,
    readonly directory: string,
  ) {}

  get kubeconfig(): string {
    return join(this.directory, 'admin.kubeconfig');
  }

  static async start(): Promise<ControlPlaneProcess> {
    if (!existsSync(program)) throw new Error(`${program} is not built: npm run build`);
    const directory = mkdtempSync(join(tmpdir(), 'gantry-cli-'));
    const ports = [await freePort(), await freePort()];
    const flags = ['--store', 'memory', '--bind-address', '127.0.0.1', '--log-level', 'error'];
    const child = spawn(
      process.execPath,
      [
        program,
        'serve',
        '--data-dir',
        directory,
        ...flags,
        `--api-port=${ports[0]}`,
        `--gateway-port=${ports[1]}`,
      ],
      { stdio: ['ignore', 'ignore', 'pipe'] },
    );
    const started = new ControlPlaneProcess(child, directory);
    let log = '';
    child.stderr?.on('data', (chunk) => (log += String(chunk)));
    try {
      await started.ready();
    } catch (error) {
      await started.stop();
      throw new Error(`the control plane did not start: ${log}`, { cause: error });
    }
    return started;
  }

  private async ready(): Promise<void> {
    const end = Date.now() + startMs;
    for (;;) {
      if (this.process.exitCode !== null) throw new Error(`it ended with ${this.process.exitCode}`);
      try {
        const cluster = resolveContext(await loadKubeconfig([this.kubeconfig]));
        const client = new ApiClient(cluster, { attempts: 1 });
        await client.text({ method: 'GET', path: '/readyz' }).finally(() => client.close());
        return;
      } catch (error) {
        if (Date.now() > end) throw error;
        await new Promise((resolve) => setTimeout(resolve, 50));
      }
    }
  }

  async stop(): Promise<void> {
    if (this.process.exitCode === null && this.process.signalCode === null) {
      const ended = new Promise((resolve) => this.process.once('exit', resolve));
      this.process.kill('SIGTERM');
      const force = setTimeout(() => this.process.kill('SIGKILL'), 10_000);
      await ended;
      clearTimeout(force);
    }
    rmSync(this.directory, { recursive: true, force: true });
  }
}
