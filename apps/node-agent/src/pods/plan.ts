import type { Container, Pod } from '@gantry/api';
import { isRunning, type ContainerRecord, type PodRecord } from './record.js';
import { nextStartMs, restarts, roleOf, type Role } from './restart.js';

/** One thing to do next. Executing it needs no further choice. */
export type Action =
  /** Volumes, network namespace and address. */
  | { readonly type: 'prepare' }
  | { readonly type: 'start'; readonly container: Container; readonly role: Role }
  | { readonly type: 'stop'; readonly container: Container; readonly why?: StopRequest }
  /** Network, namespaces and memory volumes go; logs and records stay. */
  | { readonly type: 'tear-down' }
  /** Nothing of the pod stays. */
  | { readonly type: 'remove' };

/** Why one container of a pod that goes on is to be stopped. */
export interface StopRequest {
  readonly reason: string;
  readonly message: string;
  readonly graceSeconds?: number;
}

/** What the decision is made from: orders, observations, the time, and what is under way. */
export interface PodView {
  readonly pod: Pod;
  readonly record: PodRecord;
  readonly nowMs: number;
  /** Names of containers with an operation under way, and `wholePod`. */
  readonly busy: ReadonlySet<string>;
  /** The pod was deleted, or is no longer this node's. */
  readonly leaving: boolean;
  /** When something that failed may be tried again, by container name or `wholePod`. */
  readonly retryAtMs: ReadonlyMap<string, number>;
  readonly stopRequests: ReadonlyMap<string, StopRequest>;
}

export interface Plan {
  readonly actions: readonly Action[];
  /** When to look again although nothing was heard, in milliseconds since the epoch. */
  readonly wakeAtMs?: number;
}

/** The key under which operations of the pod as a whole count as busy; no container can have this name. */
export const wholePod = '/pod';

const recordOf = (record: PodRecord, container: Container): ContainerRecord | undefined =>
  record.containers[container.name];

function initContainers(pod: Pod): readonly Container[] {
  return pod.spec.initContainers ?? [];
}

/** Whether the container has ended and will not be started again. */
function isOver(pod: Pod, record: PodRecord, container: Container, role: Role): boolean {
  const exit = recordOf(record, container)?.current?.exit;
  return exit !== undefined && !restarts(role, pod.spec.restartPolicy, exit);
}

function initFailed(pod: Pod, record: PodRecord): boolean {
  return initContainers(pod).some((container) => {
    const exit = recordOf(record, container)?.current?.exit;
    return (
      roleOf(container, true) === 'init' &&
      exit !== undefined &&
      exit.exitCode !== 0 &&
      isOver(pod, record, container, 'init')
    );
  });
}

/** Whether the pod has reached Succeeded or Failed and runs nothing any more but perhaps sidecars. */
export function isFinished(pod: Pod, record: PodRecord): boolean {
  if (record.outcome || initFailed(pod, record)) return true;
  return pod.spec.containers.every((container) => isOver(pod, record, container, 'main'));
}

/** Whether an init container has done its part: it succeeded, or as a sidecar it is up. */
export function isInitialized(record: PodRecord, container: Container): boolean {
  const current = recordOf(record, container)?.current;
  if (roleOf(container, true) === 'sidecar') return isRunning(current) && current?.started === true;
  return current?.exit?.exitCode === 0;
}

class Planner {
  readonly actions: Action[] = [];
  wakeAtMs: number | undefined;

  constructor(private readonly view: PodView) {}

  plan(): Plan {
    const { pod, record, leaving } = this.view;
    if (leaving || isFinished(pod, record)) this.windDown();
    else if (!record.sandbox) this.prepare();
    else this.advance();
    return { actions: this.actions, wakeAtMs: this.wakeAtMs };
  }

  private prepare(): void {
    if (!this.view.busy.has(wholePod) && this.isDue(wholePod))
      this.actions.push({ type: 'prepare' });
  }

  /** Main containers go first; then sidecars, the last one first. */
  private windDown(): void {
    const { pod, busy, record } = this.view;
    const groups: Container[][] = [
      [...pod.spec.containers, ...initContainers(pod).filter((c) => roleOf(c, true) === 'init')],
      ...initContainers(pod)
        .filter((container) => roleOf(container, true) === 'sidecar')
        .toReversed()
        .map((container) => [container]),
    ];
    for (const group of groups) {
      const alive = group.filter(
        (c) => busy.has(c.name) || isRunning(recordOf(record, c)?.current),
      );
      for (const container of alive) {
        if (!busy.has(container.name)) this.actions.push({ type: 'stop', container });
      }
      if (alive.length > 0) return;
    }
    this.cleanUp();
  }

  private cleanUp(): void {
    const { busy, record, leaving } = this.view;
    if (busy.size > 0 || !this.isDue(wholePod)) return;
    if (leaving) this.actions.push({ type: 'remove' });
    else if (record.sandbox) this.actions.push({ type: 'tear-down' });
  }

  private advance(): void {
    const { pod, record } = this.view;
    for (const container of initContainers(pod)) {
      this.reconcile(container, roleOf(container, true));
      if (!isInitialized(record, container) && !this.isPastInit()) return;
    }
    for (const container of pod.spec.containers) this.reconcile(container, 'main');
  }

  // A sidecar that crashes later must not hold back main containers that have long been running.
  private isPastInit(): boolean {
    const { pod, record } = this.view;
    return pod.spec.containers.some((container) => recordOf(record, container)?.current);
  }

  private reconcile(container: Container, role: Role): void {
    const { busy, pod, record, stopRequests } = this.view;
    if (busy.has(container.name)) return;
    const own = recordOf(record, container);
    const current = own?.current;
    if (current && isRunning(current)) {
      const why = stopRequests.get(container.name) ?? this.outdated(container, current.image);
      if (why) this.actions.push({ type: 'stop', container, why });
      return;
    }
    if (current?.exit && !restarts(role, pod.spec.restartPolicy, current.exit)) return;
    const dueMs = own ? nextStartMs(own) : 0;
    if (this.isDue(container.name) && this.reached(dueMs)) {
      this.actions.push({ type: 'start', container, role });
    }
  }

  private outdated(container: Container, image: string): StopRequest | undefined {
    if (container.image === image) return undefined;
    const message = `Container ${container.name} definition changed, will be restarted`;
    return { reason: 'Killing', message };
  }

  private isDue(name: string): boolean {
    return this.reached(this.view.retryAtMs.get(name) ?? 0);
  }

  private reached(timeMs: number): boolean {
    if (timeMs <= this.view.nowMs) return true;
    this.wakeAtMs = Math.min(this.wakeAtMs ?? timeMs, timeMs);
    return false;
  }
}

/** What to do next for a pod. Pure and level-triggered: the same view gives the same plan. */
export function planPod(view: PodView): Plan {
  return new Planner(view).plan();
}
