/** Who ended a container; see `KilledBy`. */
export type Culprit = 'oom' | 'request' | 'fault' | 'outside' | 'unknown';

/**
 * Who ended a container: the kernel because memory ran out, somebody who asked the launcher or the
 * runtime, the container itself by a fault, or a process outside that asked nobody (`unknown` when
 * the container shares its pid namespace, so that it cannot be told).
 */
export interface KilledBy {
  readonly culprit: Culprit;
  /** What was asked for; there when `culprit` is `request`. */
  readonly request?: {
    readonly signal: number;
    /** RFC 3339. */
    readonly at: string;
    /** Given by who wanted the container to end. */
    readonly reason?: string;
    /** The program that called the runtime by itself. */
    readonly sender?: { readonly pid: number; readonly name: string };
  };
}

/** How a container ended, its death report; written once by its monitor, kept until the container is deleted. */
export interface ExitRecord {
  readonly containerId: string;
  readonly pid: number;
  /** 0–255; 128 + signal when a signal ended it. */
  readonly exitCode: number;
  /** The number of the signal that ended it. */
  readonly signal?: number;
  readonly oomKilled: boolean;
  /** Absent when the container simply returned, or when nobody saw its end. */
  readonly killedBy?: KilledBy;
  /** RFC 3339 with nanoseconds, when `runtime create` was done. */
  readonly startedAt: string;
  readonly finishedAt: string;
  readonly memoryPeakBytes?: number;
  /** The limit that an OOM kill was for; absent when the host itself was out of memory. */
  readonly memoryLimitBytes?: number;
  /** CPU time that the container used. */
  readonly cpuMicros?: number;
  /** How long its CPU limit held it back, in how many of `cpuPeriods` periods. */
  readonly throttledMicros?: number;
  readonly throttledPeriods?: number;
  readonly cpuPeriods?: number;
  /** The end of its output, both streams, at most 80 lines and 2048 bytes. */
  readonly lastOutput?: string;
  /** Set when the true exit code is not known, e.g. because the monitor was killed. */
  readonly problem?: string;
}

/** A container that the launcher knows; `exit` is there once it has ended. */
export interface MonitoredContainer {
  readonly containerId: string;
  readonly pid: number;
  readonly monitorPid: number;
  /** The container's first process lives. */
  readonly running: boolean;
  readonly bundle: string;
  readonly logPath: string;
  /** The OCI runtime's binary and its state directory; a launcher from before an upgrade is silent. */
  readonly runtime?: string;
  readonly runtimeRoot?: string;
  readonly annotations: Readonly<Record<string, string>>;
  readonly exit?: ExitRecord;
}

export interface CreatedContainer {
  readonly pid: number;
  readonly monitorPid: number;
}

/** Paths of the pinned namespaces, for `linux.namespaces[].path`. */
export interface Sandbox {
  readonly dir: string;
  readonly net?: string;
  readonly ipc: string;
  readonly uts?: string;
  /** Absent: each container has a pid namespace of its own. */
  readonly pid?: string;
  /** Absent: the host's user namespace. */
  readonly user?: string;
}

export interface RunResult {
  /** 128 + signal when a signal ended it. */
  readonly exitCode: number;
  readonly stdout: string;
  readonly stderr: string;
  /** More than 1 MiB of a stream was thrown away. */
  readonly truncated: boolean;
}

/** The OCI runtime's view of a container. */
export interface ContainerState {
  readonly id: string;
  readonly status: 'creating' | 'created' | 'running' | 'paused' | 'stopped';
  readonly pid: number;
  readonly bundle: string;
}
