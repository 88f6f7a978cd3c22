import type { Logger } from '@gantry/base';

export interface RuntimeClientOptions {
  /** Holds gantry-runtime, gantry-monitor, gantry-network and default-seccomp.json. */
  readonly nativeDir: string;
  /** Run state, e.g. /run/gantry: monitor.sock, monitor/, runtime/. */
  readonly runDir: string;
  readonly logger: Logger;
}

/** An OCI runtime that is not ours: runc, crun, runsc, kata … */
export interface ForeignRuntime {
  /** Letters, digits and dashes; names its state directory below the run directory. */
  readonly name: string;
  readonly binary: string;
}

/** Image layers, topmost first, and where the container's own writes go. */
export interface LayeredRoot {
  readonly lower: readonly string[];
  readonly upper: string;
  readonly work: string;
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
  /** Default: gantry-runtime, which mounts the layers that the bundle's annotations name. */
  readonly runtime?: ForeignRuntime;
  /** Mounted at `bundleDir/rootfs` for a runtime that does not stack layers itself. */
  readonly rootfs?: LayeredRoot;
  /** Kept by the launcher and given back by `list`; for the caller's own bookkeeping. */
  readonly annotations?: Readonly<Record<string, string>>;
}

export interface SandboxOptions {
  /** Made when missing; the namespaces are pinned at dir/net, dir/ipc and dir/uts, a tmpfs lies at dir/shm. */
  readonly dir: string;
  readonly hostname: string;
  /** Only namespaced ones: net.*, kernel.shm*, kernel.msg*, kernel.sem, fs.mqueue.*. */
  readonly sysctls?: Readonly<Record<string, string>>;
  /** Then only ipc is pinned: network and hostname are the host's. */
  readonly hostNetwork?: boolean;
  /** A pid namespace is pinned at dir/pid; whatever runs in it ends with the sandbox. */
  readonly shareProcesses?: boolean;
  /** A user namespace with these ids of the host owns the others; pinned at dir/user. */
  readonly userRange?: UserRange;
}

/** Ids of the host; a user namespace's own 0 is the first of them. */
export interface UserRange {
  readonly first: number;
  readonly size: number;
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
