import { readdir } from 'node:fs/promises';
import type { Pod } from '@gantry/api';
import type { MonitoredContainer } from '@gantry/runtime-client';
import type { NodeContext } from './node-context.js';
import { layersProgram } from '../snapshots/layers-program.js';
import { removeTree } from '../snapshots/remove-tree.js';
import { mountsBelow } from '../volumes/mount-table.js';
import { containerDir, isPodUid, podPaths, podsDir } from './paths.js';
import { PodState } from './pod-state.js';
import {
  isRunning,
  readJson,
  type Attempt,
  type ContainerRecord,
  type PodRecord,
} from './record.js';

/** The exit code of containers whose end nobody saw, as containerd reports it. */
const unknownExitCode = 255;

function lostExit(attempt: Attempt, message: string, nowMs: number): void {
  attempt.exit = {
    exitCode: unknownExitCode,
    reason: 'ContainerStatusUnknown',
    message,
    startedAt: attempt.startedAt,
    finishedAt: new Date(nowMs).toISOString(),
  };
}

/** An attempt that never ran leaves no trace in the counts. */
function forget(record: ContainerRecord): void {
  record.current = undefined;
}

/**
 * What a reboot did: every container ended, every namespace, address and memory volume is gone. The
 * pod starts again from its init containers; each container that ran counts a restart.
 */
export function afterReboot(
  record: PodRecord,
  initNames: ReadonlySet<string>,
  nowMs: number,
): void {
  record.sandbox = undefined;
  const over = record.outcome || isSettled(record);
  for (const [name, own] of Object.entries(record.containers)) {
    const { current } = own;
    if (!current) continue;
    if (!current.startedAt && !current.exit) {
      forget(own);
      continue;
    }
    if (!current.exit) {
      lostExit(current, 'the host was restarted while the container ran', nowMs);
      own.backoffMs = 0;
    }
    if (initNames.has(name) && !over) {
      own.last = current;
      own.current = undefined;
      own.restartCount += 1;
    }
  }
}

function isSettled(record: PodRecord): boolean {
  return record.status?.phase === 'Succeeded' || record.status?.phase === 'Failed';
}

/** What the agent left in an attempt, held against what the launcher says of it now. */
export function reconcileAttempt(
  record: ContainerRecord,
  found: MonitoredContainer | undefined,
  status: string | undefined,
  nowMs: number,
): 'running' | 'ended' | 'never-ran' {
  const attempt = record.current!;
  if (found?.exit) return 'ended';
  if (found?.running && status !== 'created' && status !== 'creating') {
    // Started, and the agent was killed before it could write that down.
    attempt.startedAt ??= new Date(nowMs).toISOString();
    return 'running';
  }
  if (attempt.startedAt) {
    lostExit(attempt, 'the container was gone when the agent came back', nowMs);
    return 'ended';
  }
  forget(record);
  return 'never-ran';
}

/** Finds the pods that an earlier agent ran here and brings their records up to date. */
export class Recovery {
  constructor(private readonly context: NodeContext) {}

  async recover(): Promise<PodState[]> {
    const uids = await readdir(podsDir(this.context.config)).catch(() => [] as string[]);
    const containers = new Map((await this.context.runtime.list()).map((c) => [c.containerId, c]));
    const states: PodState[] = [];
    for (const uid of uids.filter(isPodUid)) {
      const state = await this.load(uid);
      if (!state) continue;
      await this.bringUpToDate(state, containers);
      states.push(state);
    }
    return states;
  }

  private async load(uid: string): Promise<PodState | undefined> {
    const paths = podPaths(this.context.config, uid);
    const pod = await readJson<Pod>(paths.podFile);
    const record = await readJson<PodRecord>(paths.recordFile);
    const usable = pod?.metadata?.uid === uid && record?.version === 1 && record.uid === uid;
    return usable ? new PodState(pod, record, paths) : undefined;
  }

  private async bringUpToDate(
    state: PodState,
    containers: ReadonlyMap<string, MonitoredContainer>,
  ): Promise<void> {
    const { record } = state;
    const nowMs = this.context.clock.now();
    if (record.bootId !== this.context.node.bootId) {
      const inits = new Set(state.pod.spec.initContainers?.map((container) => container.name));
      afterReboot(record, inits, nowMs);
      record.bootId = this.context.node.bootId;
    } else {
      for (const own of Object.values(record.containers)) {
        await this.bringAttemptUpToDate(own, containers, nowMs);
      }
    }
    await state.save();
    await this.removeEnded(state);
  }

  /** What containers wrote that ended unseen; the usual way is gone with the agent or the boot that knew it. */
  private async removeEnded({ record, paths }: PodState): Promise<void> {
    for (const [name, { current }] of Object.entries(record.containers)) {
      const dir = containerDir(paths, name);
      const isOver = !current || current.exit !== undefined;
      // A root that is mounted for another runtime goes with its container.
      if (!isOver || mountsBelow(dir).length > 0) continue;
      await removeTree(layersProgram(this.context.config), dir);
    }
  }

  private async bringAttemptUpToDate(
    own: ContainerRecord,
    containers: ReadonlyMap<string, MonitoredContainer>,
    nowMs: number,
  ): Promise<void> {
    const attempt = own.current;
    if (!attempt || attempt.exit) return;
    const found = containers.get(attempt.id);
    const needsState = found?.running && !isRunning(attempt);
    const state = needsState ? await this.context.runtime.state(attempt.id) : undefined;
    const fate = reconcileAttempt(own, found, state?.status, nowMs);
    // Created and never started: it waits for a start that will not come.
    if (fate === 'never-ran') await this.context.runtime.delete(attempt.id, { force: true });
  }
}
