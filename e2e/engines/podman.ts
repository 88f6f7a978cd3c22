import { writeFileSync } from 'node:fs';
import { type ContainerOptions, type Engine, Workshop } from './engine.ts';

function flags(options: ContainerOptions): string[] {
  const memory = options.memory ? ['--memory', String(options.memory)] : [];
  const pids = options.pids ? ['--pids-limit', String(options.pids)] : [];
  return [
    '--network',
    'none',
    '--name',
    options.name,
    ...memory,
    ...pids,
    'sample',
    ...options.command,
  ];
}

/** podman with storage and configuration of its own; `--runtime` names ours. */
export async function startPodman(): Promise<Engine> {
  const shop = await Workshop.open();
  const env = {
    CONTAINERS_CONF: shop.path('containers.conf'),
    CONTAINERS_STORAGE_CONF: shop.path('storage.conf'),
  };
  // Its default limits are above what a host without CAP_SYS_RESOURCE may set.
  writeFileSync(
    env.CONTAINERS_CONF,
    '[containers]\ndefault_ulimits=["nofile=10000:20000","nproc=10000:10000"]\n[engine]\ncgroup_manager="cgroupfs"\nevents_logger="none"\n',
  );
  writeFileSync(
    env.CONTAINERS_STORAGE_CONF,
    `[storage]\ndriver="overlay"\ngraphroot="${shop.path('graph')}"\nrunroot="${shop.path('run')}"\n`,
  );
  await shop.must(['podman', 'import', '-c', 'ENV PATH=/bin', await shop.rootfs(), 'sample'], env);
  const podman = (runtime: string, args: readonly string[]) =>
    shop.run(['podman', '--runtime', runtime, ...args], env);
  return {
    name: 'podman',
    run: (runtime, options) => podman(runtime, ['run', '--rm', ...flags(options)]),
    async startDetached(runtime, options) {
      await shop.must(['podman', '--runtime', runtime, 'run', '-d', ...flags(options)], env);
    },
    exec: (runtime, name, command) => podman(runtime, ['exec', name, ...command]),
    async stopAndRemove(runtime, name) {
      await shop.must(['podman', '--runtime', runtime, 'stop', '-t', '1', name], env);
      await shop.must(['podman', '--runtime', runtime, 'rm', name], env);
    },
    async killAndRemove(runtime, name) {
      await shop.must(['podman', '--runtime', runtime, 'rm', '-f', '-t', '0', name], env);
    },
    async close() {
      await shop.run(['podman', 'rm', '-fa', '-t', '0'], env);
      await shop.close();
    },
  };
}
