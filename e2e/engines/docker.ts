import { spawn } from 'node:child_process';
import { end, eventually } from '../cluster/process.ts';
import { removeGroup } from '../cluster/cgroups.ts';
import { type ContainerOptions, type Engine, Workshop } from './engine.ts';

function flags(runtime: string, options: ContainerOptions): string[] {
  const memory = options.memory ? ['--memory', String(options.memory)] : [];
  const pids = options.pids ? ['--pids-limit', String(options.pids)] : [];
  const name = ['--runtime', runtimeName(runtime), '--network', 'none', '--name', options.name];
  return [...name, ...memory, ...pids, 'sample', ...options.command];
}

const runtimeName = (path: string): string => (path.endsWith('/runc') ? 'runc' : 'gantry');

/** A dockerd of our own that knows `ours` as the runtime `gantry`. */
export async function startDocker(ours: string): Promise<Engine> {
  const shop = await Workshop.open();
  const host = `unix://${shop.path('docker.sock')}`;
  const group = `gantry-engine-docker-${process.pid}`;
  const folders = [
    '--data-root',
    shop.path('data'),
    '--exec-root',
    shop.path('exec'),
    '-p',
    shop.path('pid'),
  ];
  const argv = [
    'dockerd',
    ...folders,
    '-H',
    host,
    '--add-runtime',
    `gantry=${ours}`,
    '--cgroup-parent',
    `/${group}`,
  ];
  const [program = '', ...args] = shop.inside([...argv, '--log-level', 'error']);
  const daemon = spawn(program, args, { stdio: 'ignore' });
  const docker = (args: readonly string[]) => shop.run(['/usr/bin/docker', '-H', host, ...args]);
  const must = (args: readonly string[]) => shop.must(['/usr/bin/docker', '-H', host, ...args]);
  await eventually('dockerd', async () => (await docker(['version'])).code === 0);
  await must(['import', '-c', 'ENV PATH=/bin', await shop.rootfs(), 'sample']);
  return {
    name: 'docker',
    run: (runtime, options) => docker(['run', '--rm', ...flags(runtime, options)]),
    async startDetached(runtime, options) {
      await must(['run', '-d', ...flags(runtime, options)]);
    },
    exec: (_runtime, name, command) => docker(['exec', name, ...command]),
    async stopAndRemove(_runtime, name) {
      await must(['stop', '-t', '1', name]);
      await must(['rm', name]);
    },
    async killAndRemove(_runtime, name) {
      await must(['rm', '-f', name]);
    },
    async close() {
      await end(daemon, 20_000);
      removeGroup(group);
      await shop.close();
    },
  };
}
