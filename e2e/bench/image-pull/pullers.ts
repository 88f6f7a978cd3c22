import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { checkout } from '../../cluster/cluster.ts';
import { end, eventually, must, run } from '../../cluster/process.ts';

/** One way to bring an image onto a machine: from the registry to an unpacked root filesystem. */
export interface Puller {
  readonly name: string;
  /** Processes that work for it between pulls; what it starts for one is below this process. */
  readonly daemons: readonly number[];
  /** Several `times` at once where it is asked to: only ours can be. */
  pull(image: string, times?: number): Promise<void>;
  close(): Promise<void>;
}

/** Makes the puller in a directory of its own; undefined where its programs are not installed. */
export type PullerFactory = (directory: string) => Promise<Puller | undefined>;

/** What a peer may take on a busy machine. */
const patience = { timeoutMs: 600_000 };

function installed(...programs: string[]): boolean {
  return programs.every((program) =>
    ['/usr/bin', '/usr/sbin'].some((path) => existsSync(join(path, program))),
  );
}

/** As apps/node-agent/bin/gantry-agent starts its Node. */
const agentFlags = [
  '--max-semi-space-size=1',
  '--v8-pool-size=1',
  '--optimize-for-size',
  '--no-opt',
];

export const startGantry: PullerFactory = async (directory) => {
  const binary = join(checkout, 'native/target/release/gantry-layers');
  const script = join(import.meta.dirname, 'store-process.mjs');
  const child = spawn(process.execPath, [...agentFlags, script, directory, binary], {
    stdio: ['pipe', 'pipe', 'inherit'],
    env: { ...process.env, MALLOC_ARENA_MAX: '1' },
  });
  const answers = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const answer = async () => {
    if ((await answers.next()).done) throw new Error('the image store ended; see above');
  };
  const ask = (line: string) => {
    child.stdin.write(`${line}\n`);
    return answer();
  };
  await answer();
  return {
    name: 'gantry',
    daemons: [child.pid!],
    pull: (image, times = 1) => ask(`${times} ${image}`),
    close: () => end(child, 10_000),
  };
};

async function daemon(
  argv: readonly string[],
  isUp: () => Promise<boolean>,
): Promise<ChildProcess> {
  const [program = '', ...args] = argv;
  const child = spawn(program, args, { stdio: 'ignore' });
  await eventually(program, isUp);
  return child;
}

export const startContainerd: PullerFactory = async (directory) => {
  if (!installed('containerd', 'ctr')) return undefined;
  const [socket, config] = [join(directory, 'sock'), join(directory, 'config.toml')];
  const folders = `root = "${directory}/root"\nstate = "${directory}/state"`;
  const plugins = 'disabled_plugins = ["io.containerd.grpc.v1.cri"]';
  writeFileSync(config, `version = 2\n${plugins}\n${folders}\n[grpc]\naddress = "${socket}"\n`);
  const ctr = ['ctr', '-a', socket];
  const isUp = async () => (await run([...ctr, 'version'])).code === 0;
  const child = await daemon(['containerd', '-c', config, '-l', 'error'], isUp);
  return {
    name: 'containerd',
    daemons: [child.pid!],
    pull: async (image) =>
      void (await must([...ctr, 'images', 'pull', '--plain-http', image], patience)),
    close: () => end(child, 10_000),
  };
};

export const startDocker: PullerFactory = async (directory) => {
  if (!installed('dockerd', 'docker')) return undefined;
  const socket = `unix://${join(directory, 'docker.sock')}`;
  const docker = ['/usr/bin/docker', '-H', socket];
  const folders = ['--data-root', `${directory}/data`, '--exec-root', `${directory}/exec`];
  const quiet = ['--bridge', 'none', '--iptables=false', '--log-level', 'error'];
  const argv = ['dockerd', '-H', socket, '-p', `${directory}/pid`, ...folders, ...quiet];
  const child = await daemon(argv, async () => (await run([...docker, 'version'])).code === 0);
  return {
    name: 'docker',
    daemons: [child.pid!],
    pull: async (image) => void (await must([...docker, 'pull', '-q', image], patience)),
    close: () => end(child, 20_000),
  };
};

export const startPodman: PullerFactory = async (directory) => {
  if (!installed('podman')) return undefined;
  const folders = ['--root', join(directory, 'graph'), '--runroot', join(directory, 'run')];
  const podman = ['podman', ...folders, '--storage-driver', 'overlay'];
  return {
    name: 'podman',
    daemons: [],
    pull: async (image) =>
      void (await must([...podman, 'pull', '-q', '--tls-verify=false', image], patience)),
    close: async () => {},
  };
};

export const startSkopeo: PullerFactory = async (directory) => {
  if (!installed('skopeo', 'umoci')) return undefined;
  const layout = join(directory, 'layout');
  let count = 0;
  return {
    name: 'skopeo+umoci',
    daemons: [],
    async pull(image) {
      count += 1;
      const [from, to] = [`docker://${image}`, `${layout}:${count}`];
      await must(['skopeo', 'copy', '-q', '--src-tls-verify=false', from, `oci:${to}`], patience);
      await must(['umoci', 'unpack', '--image', to, join(directory, `bundle-${count}`)], patience);
    },
    close: async () => {},
  };
};

const factories: readonly [string, PullerFactory][] = [
  ['gantry', startGantry],
  ['containerd', startContainerd],
  ['docker', startDocker],
  ['podman', startPodman],
  ['skopeo+umoci', startSkopeo],
];

/** Ours first. */
export const pullerNames: readonly string[] = factories.map(([name]) => name);

/** Ours, then those of the peers that are installed; each in its own directory below `directory`. */
export async function startPullers(
  directory: string,
  peers: readonly string[],
): Promise<{ pullers: Puller[]; missing: string[] }> {
  const pullers: Puller[] = [];
  const missing: string[] = [];
  for (const [name, start] of factories) {
    if (name !== 'gantry' && !peers.includes(name)) continue;
    const own = join(directory, name);
    mkdirSync(own);
    const puller = await start(own);
    if (puller) pullers.push(puller);
    else missing.push(name);
  }
  return { pullers, missing };
}
