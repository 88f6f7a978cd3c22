import type { Container, RestartPolicy } from '@gantry/api';
import type { AttemptExit, ContainerRecord } from './record.js';

/** The longest a crashed container waits before it is tried again, in milliseconds. */
export const maxRestartDelayMs = 300_000;

/** A container that ran this long has earned an immediate restart again, in milliseconds. */
export const backoffResetMs = 600_000;

/** How a container is to be treated when it ends. */
export type Role = 'init' | 'sidecar' | 'main';

export function roleOf(container: Container, isInit: boolean): Role {
  if (!isInit) return 'main';
  return container.restartPolicy === 'Always' ? 'sidecar' : 'init';
}

/** Whether an attempt that ended so is followed by another. */
export function restarts(
  role: Role,
  policy: RestartPolicy | undefined,
  exit: AttemptExit,
): boolean {
  if (role === 'sidecar') return true;
  const failed = exit.exitCode !== 0;
  if (role === 'init') return failed && policy !== 'Never';
  return policy === undefined || policy === 'Always' || (policy === 'OnFailure' && failed);
}

/** When the next attempt may start, in milliseconds since the epoch. */
export function nextStartMs(record: ContainerRecord): number {
  const { current, backoffMs } = record;
  return current?.exit ? Date.parse(current.exit.finishedAt) + backoffMs : 0;
}

/** The delay after the attempt now being started: nothing, base, 2·base … 5 min. */
export function nextBackoffMs(record: ContainerRecord, baseMs: number): number {
  const exit = record.current?.exit;
  if (!exit) return record.backoffMs;
  const ranMs = Date.parse(exit.finishedAt) - Date.parse(exit.startedAt ?? exit.finishedAt);
  if (ranMs >= backoffResetMs) return baseMs;
  return Math.min(maxRestartDelayMs, record.backoffMs === 0 ? baseMs : record.backoffMs * 2);
}
