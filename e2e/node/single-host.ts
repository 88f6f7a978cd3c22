import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, mkdtempSync, openSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { tool } from '@gantry/testing';
import { removeGroup } from '../cluster/cgroups.ts';
import { end, endByInput, eventually, must, run, type Outcome } from '../cluster/process.ts';

const root = join(import.meta.dirname, '../..');
const controlPlane = join(root, 'apps/control-plane/dist/bundle/gantry-control-plane.js');
const nodeAgent = join(root, 'apps/node-agent/dist/main.js');
const nativeDir = join(root, 'native/target/release');

/** Pods, as far as the tests look at them. */
export interface PodView {
  readonly metadata: { readonly name: string; readonly uid: string };
  readonly status: {
    readonly phase: string;
    readonly podIP?: string;
    readonly reason?: string;
    readonly message?: string;
    readonly conditions: { type: string; status: string }[];
    readonly containerStatuses?: ContainerView[];
    readonly initContainerStatuses?: ContainerView[];
  };
}

export interface ContainerView {
  readonly name: string;
  readonly ready: boolean;
  readonly restartCount: number;
  readonly containerID?: string;
  readonly state: StateView;
  readonly lastState: StateView;
}

interface StateView {
  readonly waiting?: { reason: string; message?: string };
  readonly running?: { startedAt: string };
  readonly terminated?: { exitCode: number; reason: string; message?: string; signal?: number };
}

/**
 * A control plane, a registry and an agent with real launcher, runtime and network, all in namespaces
 * of their own (network, mounts, processes): when the first process there ends, nothing is left but files.
 */
export class SingleHost {
  readonly dir = mkdtempSync('/var/tmp/gantry-node-');
  readonly cgroup = `/gantry-node-test-${process.pid}`;
  readonly nodeName = 'one';
  image = '';
  private holder!: ChildProcess;
  private namespacePid = 0;
  private registry?: ChildProcess;
  private readonly children: ChildProcess[] = [];
  private caHash = '';

  private readonly flags: readonly string[];
  private readonly dataMebibytes: number | undefined;

  private constructor(flags: readonly string[], dataMebibytes: number | undefined) {
    this.flags = flags;
    this.dataMebibytes = dataMebibytes;
  }

  /** `flags` go to every agent that is started; its data lie on a disk of their own where a size is given. */
  static async start(flags: readonly string[] = [], dataMebibytes?: number): Promise<SingleHost> {
    const host = new SingleHost(flags, dataMebibytes);
    try {
      await host.boot();
      return host;
    } catch (error) {
      await host.close();
      throw error;
    }
  }

  path(name: string): string {
    return join(this.dir, name);
  }

  /** Runs a program inside the namespaces. */
  inside(argv: readonly string[], input?: string): Promise<Outcome> {
    return run(this.enter(argv), { input, timeoutMs: 30_000 });
  }

  /** Starts a program inside the namespaces that lives as long as they, unless it ends by itself. */
  start(argv: readonly string[]): ChildProcess {
    const [program = '', ...args] = this.enter(argv);
    const child = spawn(program, args, { stdio: ['pipe', 'pipe', 'inherit'] });
    this.children.push(child);
    return child;
  }

  async kubectl(args: readonly string[], input?: string): Promise<Outcome> {
    const kubeconfig = this.path('control-plane/admin.kubeconfig');
    return this.inside([await tool('kubectl'), '--kubeconfig', kubeconfig, ...args], input);
  }

  /** The same with our own command line. */
  gantry(args: readonly string[]): Promise<Outcome> {
    const kubeconfig = this.path('control-plane/admin.kubeconfig');
    const program = join(root, 'apps/cli/dist/gantry.cjs');
    return this.inside([process.execPath, program, '--kubeconfig', kubeconfig, ...args]);
  }

  /** Like kubectl, but a failure throws; returns what it printed. */
  async must(args: readonly string[], input?: string): Promise<string> {
    const { code, stdout, stderr } = await this.kubectl(args, input);
    if (code === 0) return stdout;
    throw new Error(`kubectl ${args.join(' ')} ended with ${code}: ${stderr}`);
  }

  async apply(object: object): Promise<void> {
    await this.must(['apply', '-f', '-'], JSON.stringify(object));
  }

  async pod(name: string): Promise<PodView> {
    return JSON.parse(await this.must(['get', 'pod', name, '-o', 'json'])) as PodView;
  }

  /** Polls the pod until the condition holds; the error shows what the pod was like at last. */
  async podUntil(
    name: string,
    what: string,
    holds: (pod: PodView) => boolean,
    timeoutMs = 30_000,
  ): Promise<PodView> {
    let last: PodView | undefined;
    try {
      return await eventually(
        `pod ${name}: ${what}`,
        async () => {
          last = await this.pod(name);
          return holds(last) ? last : undefined;
        },
        timeoutMs,
      );
    } catch (error) {
      throw new Error(`${(error as Error).message}\n${JSON.stringify(last?.status, null, 1)}`, {
        cause: error,
      });
    }
  }

  startAgent(flags: readonly string[] = []): void {
    const { dir, caHash, nodeName, cgroup } = this;
    const own = ['--data-dir', join(dir, 'data'), '--run-dir', join(dir, 'run')];
    const fixed = ['--native-dir', nativeDir, '--cgroup-root', cgroup, '--node-name', nodeName];
    const network = ['--server', '127.0.0.1:6444', '--ca-hash', caHash, '--node-ip', '127.0.0.1'];
    const quick = ['--restart-backoff', '500', '--metrics-port', '6445'];
    const all = [...own, ...fixed, ...network, ...quick, ...this.flags, ...flags];
    this.spawn('agent', [nodeAgent, ...all]);
  }

  /** Runs another agent, with directories of its own, until it gives up (or 10 s have passed). */
  joinAs(nodeName: string, token: string, caHash = this.caHash): Promise<Outcome> {
    const dirs = ['--data-dir', this.path(`join-${nodeName}`), '--run-dir', this.path('join-run')];
    const where = ['--native-dir', nativeDir, '--server', '127.0.0.1:6444', '--ca-hash', caHash];
    const flags = ['--node-name', nodeName, '--token', token, '--metrics-port', '0'];
    const argv = ['timeout', '10', process.execPath, nodeAgent, ...dirs, ...where, ...flags];
    return this.inside(argv);
  }

  /** The agent's pid, seen from outside the namespaces. */
  agentPid(): number {
    for (const pid of readdirSync('/proc').filter((name) => /^\d+$/.test(name))) {
      const argv = readArguments(pid);
      if (argv[1] === nodeAgent && argv.includes(join(this.dir, 'data'))) return Number(pid);
    }
    throw new Error('the agent does not run');
  }

  killAgent(): void {
    process.kill(this.agentPid(), 'SIGKILL');
  }

  async agentReady(): Promise<void> {
    await eventually('the agent to be ready', async () => {
      return (await this.inside(['curl', '-fs', 'http://127.0.0.1:6445/readyz'])).code === 0;
    });
  }

  async close(): Promise<void> {
    if (this.registry) await endByInput(this.registry);
    // The first process of a pid namespace takes all others with it.
    if (this.namespacePid > 0) process.kill(this.namespacePid, 'SIGKILL');
    if (this.holder) await end(this.holder);
    for (const child of this.children) await end(child);
    await eventually('the cgroups to be empty', async () => {
      removeGroup(this.cgroup.slice(1));
      return true;
    });
    rmSync(this.dir, { recursive: true, force: true });
  }

  private async boot(): Promise<void> {
    const flags =
      '--net --mount --pid --ipc --uts --fork --kill-child --mount-proc --propagation slave';
    // A node without a way out has no address that other nodes could reach; loopback will do here.
    const data = this.path('data');
    const mount = `mkdir ${data}; mount -t tmpfs -o mode=0700,size=${this.dataMebibytes}m tmpfs ${data};`;
    const disk = this.dataMebibytes === undefined ? '' : mount;
    const script = `ip link set lo up; ${disk} echo up; exec sleep infinity`;
    this.holder = spawn('unshare', [...flags.split(' '), 'sh', '-c', script], {
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    await once(this.holder.stdout!, 'data');
    const children = await must([
      'cat',
      `/proc/${this.holder.pid}/task/${this.holder.pid}/children`,
    ]);
    this.namespacePid = Number(children.trim());
    await Promise.all([this.startRegistry(), this.startControlPlane()]);
    const token = await this.createToken(1);
    this.startAgent(['--token', token]);
    await this.agentReady();
  }

  /** A join token that may be used so often. */
  async createToken(uses: number, expiresAt?: string): Promise<string> {
    const token = {
      apiVersion: 'gantry.dev/v1',
      kind: 'JoinToken',
      metadata: { generateName: 'test-' },
      spec: { usesLeft: uses, expiresAt },
    };
    const answer = await this.must(['create', '-o', 'json', '-f', '-'], JSON.stringify(token));
    return (JSON.parse(answer) as { status: { token: string } }).status.token;
  }

  private async startRegistry(): Promise<void> {
    const argv = this.enter([process.execPath, join(import.meta.dirname, 'registry.ts')]);
    this.registry = spawn(argv[0]!, argv.slice(1), { stdio: ['pipe', 'pipe', 'inherit'] });
    const [line] = (await once(createInterface(this.registry.stdout!), 'line')) as [string];
    this.image = line;
  }

  private async startControlPlane(): Promise<void> {
    const dir = this.path('control-plane');
    const store = `embedded:${join(dir, 'store.db')}`;
    const flags = ['--data-dir', dir, '--store', store, '--bind-address', '127.0.0.1'];
    this.spawn('control-plane', [controlPlane, 'serve', ...flags]);
    this.caHash = await eventually('the control plane to serve', async () => {
      return /"caHash":"([^"]+)"/.exec(readFileSync(this.path('control-plane.log'), 'utf8'))?.[1];
    });
  }

  private spawn(name: string, args: readonly string[]): void {
    const log = openSync(this.path(`${name}.log`), 'a');
    const argv = this.enter([process.execPath, ...args]);
    const child = spawn(argv[0]!, argv.slice(1), { stdio: ['ignore', log, log] });
    closeSync(log);
    this.children.push(child);
  }

  private enter(argv: readonly string[]): string[] {
    return ['nsenter', '--target', String(this.namespacePid), '--all', '--', ...argv];
  }
}

function readArguments(pid: string): string[] {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0');
  } catch {
    return [];
  }
}
