import { mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { PodStatus } from '@gantry/api';
import type { UserRange } from '@gantry/runtime-client';

/** How an attempt ended. */
export interface AttemptExit {
  readonly exitCode: number;
  readonly signal?: number;
  readonly reason: string;
  /** The container's own words, or else `death`. */
  readonly message?: string;
  /** Who ended it, in one sentence; absent when it returned by itself. */
  readonly death?: string;
  readonly startedAt?: string;
  readonly finishedAt: string;
}

/** One run of a container, from the decision to make it to its end. Times are RFC 3339. */
export interface Attempt {
  readonly id: string;
  readonly attempt: number;
  readonly image: string;
  readonly imageId: string;
  /** The signal that the image wants to be stopped with. */
  readonly stopSignal?: string;
  startedAt?: string;
  /** The startup probe has succeeded, or there is none. */
  started?: boolean;
  /** The readiness probe's last verdict; without a probe it follows `started`. */
  ready?: boolean;
  exit?: AttemptExit;
}

/** What is known of one container of the pod. */
export interface ContainerRecord {
  restartCount: number;
  current?: Attempt;
  /** The attempt before, for lastState and `logs --previous`. */
  last?: Attempt;
  /** How long after its exit the next attempt waits. */
  backoffMs: number;
}

/** The pod ended for a reason of its own: a deadline, an eviction. */
export interface Outcome {
  readonly reason: string;
  readonly message: string;
}

/** The network identity of a pod, while its sandbox stands. */
export interface SandboxRecord {
  readonly ips: readonly string[];
  /** The network plugin's answer, which CHECK wants back. */
  readonly network?: unknown;
  /** The runtime handler that its class named when it was made; absent: our own runtime. */
  readonly handler?: string;
}

/** Everything about a pod that must outlive the agent; `pod.json` beside it holds the orders. */
export interface PodRecord {
  readonly version: 1;
  readonly uid: string;
  /** The boot in which the sandbox and the running attempts are. */
  bootId: string;
  startTime?: string;
  sandbox?: SandboxRecord;
  readonly containers: Record<string, ContainerRecord>;
  outcome?: Outcome;
  /** The ids of the host that are this pod's (hostUsers: false); kept until it is gone. */
  userRange?: UserRange;
  /** As last reported, so that transition times hold across restarts. */
  status?: PodStatus;
}

export function newRecord(uid: string, bootId: string): PodRecord {
  return { version: 1, uid, bootId, containers: {} };
}

export function containerRecord(record: PodRecord, name: string): ContainerRecord {
  return (record.containers[name] ??= { restartCount: 0, backoffMs: 0 });
}

/** The attempt runs: it was started and has not ended. */
export function isRunning(attempt: Attempt | undefined): boolean {
  return attempt?.startedAt !== undefined && attempt.exit === undefined;
}

/** Writes JSON so that a reader sees the old or the new text, whatever happens in between. */
export async function writeJson(path: string, value: unknown): Promise<void> {
  await mkdir(dirname(path), { recursive: true, mode: 0o700 });
  const temporary = `${path}.new`;
  await writeFile(temporary, JSON.stringify(value), { mode: 0o600 });
  await rename(temporary, path);
}

/** Undefined when the file is missing or was torn by a power cut. */
export async function readJson<T>(path: string): Promise<T | undefined> {
  try {
    return JSON.parse(await readFile(path, 'utf8')) as T;
  } catch (error) {
    const missing = (error as NodeJS.ErrnoException).code === 'ENOENT';
    if (missing || error instanceof SyntaxError) return undefined;
    throw error;
  }
}
