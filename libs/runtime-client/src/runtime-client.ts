import type { Logger } from '@gantry/base';
import type { CgroupStats } from './cgroup-stats.js';
import type { ExecSession } from './exec-session.js';
import type { ContainerState, ExitRecord, MonitoredContainer, RunResult } from './messages.js';
import type { Process } from './oci-spec.js';

export interface RuntimeClientOptions {
  /** Holds gantry-runtime, gantry-monitor, gantry-network and default-seccomp.json. */
  readonly nativeDir: string;
  /** Run state, e.g. /run/gantry: monitor.sock, monitor/, runtime/. */
  readonly runDir: string;
  /** Another OCI runtime's binary (runc, crun …); default `nativeDir/gantry-runtime`. */
  readonly runtime?: string;
  readonly logger: Logger;
}

export interface CreateContainerOptions {
  /** Letters, digits, `_ . + -`; at most 128 characters, unique on the node. */
  readonly containerId: string;
  /** Directory with config.json. */
  readonly bundleDir: string;
  /** As in config.json; the monitor reads OOM counts there. */
  readonly cgroupsPath: string;
  /** The CRI-format log. Rotated files are `logPath.1` (newest) … `logPath.(logMaxFiles-1)`. */
  readonly logPath: string;
  /** Default 10 MiB. */
  readonly logMaxBytes?: number;
  /** Counts the current file too; default 5. */
  readonly logMaxFiles?: number;
  /** Keep stdin open for `attach`; otherwise it is /dev/null. */
  readonly stdin?: boolean;
  /** As `process.terminal` in config.json. */
  readonly terminal?: boolean;
  /** Kept by the launcher and given back by `list`; for the caller's own bookkeeping. */
  readonly annotations?: Readonly<Record<string, string>>;
}

export interface SandboxOptions {
  /** Made when missing; the namespaces are pinned at dir/net, dir/ipc and dir/uts. */
  readonly dir: string;
  readonly hostname: string;
  /** Only namespaced ones: net.*, kernel.shm*, kernel.msg*, kernel.sem, fs.mqueue.*. */
  readonly sysctls?: Readonly<Record<string, string>>;
  /** Then only ipc is pinned: network and hostname are the host's. */
  readonly hostNetwork?: boolean;
}

/** Paths of the pinned namespaces, for `linux.namespaces[].path`. */
export interface Sandbox {
  readonly dir: string;
  readonly net?: string;
  readonly ipc: string;
  readonly uts?: string;
}

export interface RunOptions {
  /** The whole environment; default only PATH. */
  readonly env?: Readonly<Record<string, string>>;
  readonly stdin?: string;
  /** Default 30,000; the whole process group is killed then and the call rejects (Timeout). */
  readonly timeoutMs?: number;
  /** A cgroupsPath that exists, to be joined before exec. */
  readonly cgroup?: string;
}

/**
 * The node's containers, over the launcher's socket. Starts the launcher when nobody answers and
 * again when it is lost; containers and their monitors live on through both. Failures are
 * `GantryError`s that name the step.
 */
export class RuntimeClient {
  private constructor(readonly options: RuntimeClientOptions) {}

  /** Connects, starting `gantry-monitor serve` (detached, so that it outlives us) when needed. */
  static async connect(_options: RuntimeClientOptions): Promise<RuntimeClient> {
    throw new Error('not written yet');
  }

  /** AlreadyExists when the sandbox is there. */
  async createSandbox(_options: SandboxOptions): Promise<Sandbox> {
    throw new Error('not written yet');
  }

  /** Unpins the namespaces and removes the directory; idempotent. */
  async removeSandbox(_dir: string): Promise<void> {
    throw new Error('not written yet');
  }

  /** `runtime create` under a new monitor: the container waits for `start`. */
  async createContainer(
    _options: CreateContainerOptions,
  ): Promise<{ pid: number; monitorPid: number }> {
    throw new Error('not written yet');
  }

  async start(_containerId: string): Promise<void> {
    throw new Error('not written yet');
  }

  /** `signal` by name or number. Idempotent: a container that has ended or is unknown is no error. */
  async kill(
    _containerId: string,
    _signal: NodeJS.Signals | number,
    _options: { all?: boolean } = {},
  ): Promise<void> {
    throw new Error('not written yet');
  }

  /** Removes the container from the runtime and its record from the monitor; idempotent. */
  async delete(_containerId: string, _options: { force?: boolean } = {}): Promise<void> {
    throw new Error('not written yet');
  }

  /** What the runtime says; undefined when it does not know the container. */
  async state(_containerId: string): Promise<ContainerState | undefined> {
    throw new Error('not written yet');
  }

  /** Every container that was created and not deleted, also from before a restart of ours. */
  async list(): Promise<MonitoredContainer[]> {
    throw new Error('not written yet');
  }

  /** Runs a further process. When `signal` aborts, the process is killed. */
  async exec(
    _containerId: string,
    _process: Process,
    _options: { stdin?: boolean; signal?: AbortSignal } = {},
  ): Promise<ExecSession> {
    throw new Error('not written yet');
  }

  /** Joins the first process's streams from now on, beside other clients and the log. */
  async attach(_containerId: string, _options: { stdin?: boolean } = {}): Promise<ExecSession> {
    throw new Error('not written yet');
  }

  /** Runs a program on the host through the launcher, e.g. a CNI plugin. Output up to 1 MiB. */
  async run(_argv: readonly string[], _options: RunOptions = {}): Promise<RunResult> {
    throw new Error('not written yet');
  }

  /**
   * Calls back for every exit, at least once each: exits from before the call and from while the
   * launcher was away are told too, until the container is deleted. Returns the way to stop.
   */
  onExit(_listener: (exit: ExitRecord) => void): () => void {
    throw new Error('not written yet');
  }

  /** Undefined while the container runs or when it is not known. */
  async exitRecord(_containerId: string): Promise<ExitRecord | undefined> {
    throw new Error('not written yet');
  }

  /** See `cgroupStats`; here so that one object serves the agent. */
  cgroupStats(_cgroupsPath: string): Promise<CgroupStats | undefined> {
    throw new Error('not written yet');
  }

  /** Hangs up. Launcher, monitors and containers stay. */
  close(): void {
    throw new Error('not written yet');
  }
}
