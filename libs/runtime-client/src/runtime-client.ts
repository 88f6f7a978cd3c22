import { constants } from 'node:os';
import { badRequest, GantryError, isReason } from '@gantry/base';
import { cgroupStats, type CgroupStats } from './cgroup-stats.js';
import { ContainerRuntimes } from './container-runtimes.js';
import { openSession, type ExecSession } from './exec-session.js';
import { Launcher } from './launcher.js';
import type {
  ContainerState,
  CreatedContainer,
  ExitRecord,
  MonitoredContainer,
  RunResult,
  Sandbox,
} from './messages.js';
import {
  checkContainerId,
  readContainer,
  readContainers,
  readContainerState,
  readCreated,
  readRunResult,
  readSandbox,
} from './native-boundary.js';
import type { Process } from './oci-spec.js';
import type {
  CreateContainerOptions,
  RunOptions,
  RuntimeClientOptions,
  SandboxOptions,
} from './options.js';
import { openSessionSocket } from './session-socket.js';

const defaultLogMaxBytes = 10 * 1024 * 1024;
const defaultLogMaxFiles = 5;
const defaultTimeoutMs = 30_000;
/** The last real-time signal. */
const lastSignal = 64;
/** From the kill of a container's last process to its monitor's record. */
const exitRecordWaitMs = 10_000;

/**
 * The node's containers, over the launcher's socket. Starts the launcher when nobody answers and
 * again when it is lost; containers and their monitors live on through both. Failures are
 * `GantryError`s that name the step.
 */
export class RuntimeClient {
  private readonly launcher: Launcher;
  private readonly runtimes: ContainerRuntimes;

  private constructor(readonly options: RuntimeClientOptions) {
    this.launcher = new Launcher(options);
    this.runtimes = new ContainerRuntimes(options, (id) => this.find(id));
  }

  /** Connects, starting `gantry-monitor serve` (detached, so that it outlives us) when needed. */
  static async connect(options: RuntimeClientOptions): Promise<RuntimeClient> {
    const client = new RuntimeClient(options);
    await client.launcher.connect();
    return client;
  }

  /** AlreadyExists when the sandbox is there. */
  async createSandbox(options: SandboxOptions): Promise<Sandbox> {
    const { sysctls = {}, hostNetwork = false, ...further } = options;
    const fields = { ...further, sysctls, hostNetwork };
    return readSandbox(await this.launcher.request('sandbox.create', fields));
  }

  /** Unpins the namespaces and removes the directory; idempotent. */
  async removeSandbox(dir: string): Promise<void> {
    await this.launcher.request('sandbox.remove', { dir });
  }

  /** `runtime create` under a new monitor: the container waits for `start`. */
  async createContainer(options: CreateContainerOptions): Promise<CreatedContainer> {
    const containerId = checkContainerId(options.containerId);
    const fields = {
      containerId,
      bundle: options.bundleDir,
      ...this.runtimes.choose(containerId, options.runtime),
      rootfs: options.rootfs,
      cgroupsPath: options.cgroupsPath,
      logPath: options.logPath,
      logMaxBytes: options.logMaxBytes ?? defaultLogMaxBytes,
      logMaxFiles: options.logMaxFiles ?? defaultLogMaxFiles,
      stdin: options.stdin ?? false,
      terminal: options.terminal ?? false,
      annotations: options.annotations ?? {},
    };
    return readCreated(await this.launcher.request('container.create', fields));
  }

  async start(containerId: string): Promise<void> {
    const result = await this.callRuntime(containerId, ['start']);
    if (result.exitCode !== 0) throw runtimeError('start', containerId, result);
  }

  /**
   * `signal` by name or number. Idempotent: one that has ended or is unknown is no error. `reason`
   * is told in the exit record when the container ends by it.
   */
  async kill(
    containerId: string,
    signal: NodeJS.Signals | number,
    options: { all?: boolean; reason?: string } = {},
  ): Promise<void> {
    const { all = false, reason } = options;
    const result = readRunResult(
      await this.launcher.request('container.kill', {
        containerId,
        ...(await this.runtimes.of(checkContainerId(containerId))),
        signal: signalNumber(signal),
        all,
        reason,
        timeoutMs: defaultTimeoutMs,
      }),
    );
    if (result.exitCode === 0) return;
    const container = await this.find(containerId);
    if (container?.running) throw runtimeError('kill', containerId, result);
  }

  /** Removes the container from the runtime and its record from the monitor; idempotent. */
  async delete(containerId: string, options: { force?: boolean } = {}): Promise<void> {
    const call = ['delete', ...(options.force ? ['--force'] : [])];
    const result = await this.callRuntime(containerId, call);
    if (result.exitCode !== 0 && !isUnknown(result)) {
      throw runtimeError('delete', containerId, result);
    }
    const container = await this.find(containerId);
    if (container && !container.exit) {
      // Its monitor is about to write down how it ended.
      await this.launcher.exitOf(containerId, AbortSignal.timeout(exitRecordWaitMs));
    }
    await this.launcher.request('container.remove', { containerId });
    this.launcher.forget(containerId);
    this.runtimes.forget(containerId);
  }

  /** What the runtime says; undefined when it does not know the container. */
  async state(containerId: string): Promise<ContainerState | undefined> {
    const result = await this.callRuntime(containerId, ['state']);
    if (result.exitCode === 0) return readContainerState(result.stdout);
    if (isUnknown(result)) return undefined;
    throw runtimeError('state', containerId, result);
  }

  /** Every container that was created and not deleted, also from before a restart of ours. */
  async list(): Promise<MonitoredContainer[]> {
    return readContainers(await this.launcher.request('container.list'));
  }

  /** Runs a further process. When `signal` aborts, the process is killed. */
  async exec(
    containerId: string,
    process: Process,
    options: { stdin?: boolean; signal?: AbortSignal } = {},
  ): Promise<ExecSession> {
    const by = await this.runtimes.of(checkContainerId(containerId));
    return this.session('exec', containerId, { ...by, process }, options);
  }

  /** Joins the first process's streams from now on, beside other clients and the log. */
  async attach(
    containerId: string,
    options: { stdin?: boolean; signal?: AbortSignal } = {},
  ): Promise<ExecSession> {
    return this.session('attach', containerId, {}, options);
  }

  /** Runs a program on the host through the launcher, e.g. a CNI plugin. Output up to 1 MiB. */
  async run(argv: readonly string[], options: RunOptions = {}): Promise<RunResult> {
    const { env = {}, stdin = '', timeoutMs = defaultTimeoutMs, cgroup } = options;
    const fields = { argv, env, stdin, timeoutMs, cgroup };
    return readRunResult(await this.launcher.request('run', fields));
  }

  /**
   * Calls back for every exit: also exits from before the call and from while the launcher was
   * away, until the container is deleted. Returns the way to stop.
   */
  onExit(listener: (exit: ExitRecord) => void): () => void {
    return this.launcher.onExit(listener);
  }

  /** Undefined while the container runs or when it is not known. */
  async exitRecord(containerId: string): Promise<ExitRecord | undefined> {
    return (await this.find(containerId))?.exit;
  }

  /** See `cgroupStats`; here so that one object serves the agent. */
  cgroupStats(cgroupsPath: string): Promise<CgroupStats | undefined> {
    return cgroupStats(cgroupsPath);
  }

  /** Hangs up. Launcher, monitors and containers stay. */
  close(): void {
    this.launcher.close();
  }

  /** Ends the launcher too (containers and their monitors live on), then closes. */
  async shutdown(): Promise<void> {
    await this.launcher.request('shutdown');
    this.close();
  }

  private async session(
    op: 'exec' | 'attach',
    containerId: string,
    fields: object,
    options: { stdin?: boolean; signal?: AbortSignal },
  ): Promise<ExecSession> {
    const { stdin = false, signal } = options;
    const request = { ...fields, containerId: checkContainerId(containerId), stdin };
    await this.launcher.connect();
    const socket = await openSessionSocket(this.launcher.socketPath, op, request, signal);
    const session = openSession(socket, { stdin });
    const onAbort = () => session.close();
    signal?.addEventListener('abort', onAbort, { once: true });
    socket.once('close', () => signal?.removeEventListener('abort', onAbort));
    return session;
  }

  private async find(containerId: string): Promise<MonitoredContainer | undefined> {
    try {
      return readContainer(await this.launcher.request('container.adopt', { containerId }));
    } catch (error) {
      if (isReason(error, 'NotFound')) return undefined;
      throw error;
    }
  }

  private async callRuntime(
    containerId: string,
    call: readonly string[],
    ...further: readonly string[]
  ): Promise<RunResult> {
    const { runtime, runtimeRoot } = await this.runtimes.of(checkContainerId(containerId));
    return this.run([runtime, '--root', runtimeRoot, ...call, containerId, ...further]);
  }
}

function signalNumber(signal: NodeJS.Signals | number): number {
  const number = typeof signal === 'number' ? signal : constants.signals[signal];
  if (Number.isInteger(number) && number >= 1 && number <= lastSignal) return number;
  const text = JSON.stringify(signal);
  throw badRequest(
    `signal ${text}: must be a name such as SIGTERM or a number up to ${lastSignal}`,
  );
}

/** runc, crun and ours all word it so. */
function isUnknown(result: RunResult): boolean {
  return /does not exist|no such (file|container)|not found/i.test(result.stderr);
}

function runtimeError(verb: string, containerId: string, result: RunResult): GantryError {
  const words = result.stderr.trim() || `exited with ${result.exitCode}`;
  const reason = isUnknown(result) ? 'NotFound' : 'InternalError';
  return new GantryError(reason, `runtime ${verb} ${containerId}: ${words.slice(0, 4096)}`);
}
