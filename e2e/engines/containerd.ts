import { spawn } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { end, eventually } from '../cluster/process.ts';
import { type ContainerOptions, type Engine, Workshop } from './engine.ts';

function flags(runtime: string, options: ContainerOptions): string[] {
  const memory = options.memory ? ['--memory-limit', String(options.memory)] : [];
  return [
    '--runc-binary',
    runtime,
    ...memory,
    'localhost/sample:latest',
    options.name,
    ...options.command,
  ];
}

/** An OCI archive of the sample, made by skopeo-free means: podman saves what it imported. */
async function saveImage(shop: Workshop): Promise<string> {
  const env = { CONTAINERS_STORAGE_CONF: shop.path('storage.conf') };
  writeFileSync(
    env.CONTAINERS_STORAGE_CONF,
    `[storage]\ndriver="vfs"\ngraphroot="${shop.path('graph')}"\nrunroot="${shop.path('run')}"\n`,
  );
  await shop.must(['podman', 'import', '-c', 'ENV PATH=/bin', await shop.rootfs(), 'sample'], env);
  await shop.must(
    ['podman', 'save', '--format', 'oci-archive', '-o', shop.path('image.tar'), 'sample'],
    env,
  );
  return shop.path('image.tar');
}

/** containerd of our own, driven by ctr; its runc shim is told to call our binary. */
export async function startContainerd(): Promise<Engine> {
  const shop = await Workshop.open();
  const [socket, config] = [shop.path('containerd.sock'), shop.path('config.toml')];
  writeFileSync(
    config,
    [
      'version = 2\ndisabled_plugins = ["io.containerd.grpc.v1.cri"]',
      `root = "${shop.path('root')}"\nstate = "${shop.path('state')}"\n[grpc]\naddress = "${socket}"\n`,
    ].join('\n'),
  );
  const [program = '', ...args] = shop.inside(['containerd', '-c', config, '-l', 'error']);
  const daemon = spawn(program, args, { stdio: 'ignore' });
  const ctr = (args: readonly string[]) => shop.run(['ctr', '-a', socket, ...args]);
  await eventually('containerd', async () => (await ctr(['version'])).code === 0);
  await shop.must(['ctr', '-a', socket, 'images', 'import', await saveImage(shop)]);
  const killAndRemove = async (_runtime: string, name: string): Promise<void> => {
    await shop.must(['ctr', '-a', socket, 'tasks', 'kill', '-s', 'KILL', name]);
    await eventually(`${name} to stop`, async () => (await ctr(['tasks', 'rm', name])).code === 0);
    await shop.must(['ctr', '-a', socket, 'containers', 'rm', name]);
  };
  let execs = 0;
  return {
    name: 'containerd',
    run: (runtime, options) => ctr(['run', '--rm', ...flags(runtime, options)]),
    async startDetached(runtime, options) {
      await shop.must(['ctr', '-a', socket, 'run', '-d', ...flags(runtime, options)]);
    },
    exec: (_runtime, name, command) =>
      ctr(['tasks', 'exec', '--exec-id', `exec-${++execs}`, name, ...command]),
    stopAndRemove: killAndRemove,
    killAndRemove,
    async close() {
      await end(daemon, 10_000);
      await shop.close();
    },
  };
}
