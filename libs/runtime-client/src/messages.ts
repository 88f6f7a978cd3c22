/** How a container ended; written once by its monitor, kept until the container is deleted. */
export interface ExitRecord {
  readonly containerId: string;
  readonly pid: number;
  /** 0–255; 128 + signal when a signal ended it. */
  readonly exitCode: number;
  /** The number of the signal that ended it. */
  readonly signal?: number;
  readonly oomKilled: boolean;
  /** RFC 3339 with nanoseconds, when `runtime create` was done. */
  readonly startedAt: string;
  readonly finishedAt: string;
  readonly memoryPeakBytes?: number;
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
