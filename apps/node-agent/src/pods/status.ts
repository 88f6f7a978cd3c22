import type {
  Container,
  ContainerState,
  ContainerStatus,
  Pod,
  PodCondition,
  PodPhase,
  PodStatus,
} from '@gantry/api';
import { timestamp } from '@gantry/base';
import { isFinished, isInitialized } from './plan.js';
import { isRunning, type Attempt, type ContainerRecord, type PodRecord } from './record.js';
import { nextStartMs, restarts, roleOf, type Role } from './restart.js';

/** Why a container does not run yet, by name; kept in memory by the worker. Without a reason it is being made. */
export type Waiting = ReadonlyMap<string, { readonly reason?: string; readonly message?: string }>;

/** What the status is computed from. */
export interface StatusView {
  readonly pod: Pod;
  readonly record: PodRecord;
  readonly waiting: Waiting;
  readonly hostIP: string;
  readonly nowMs: number;
}

/** The scheme of containerID in statuses. */
export const containerScheme = 'gantry://';

function terminated(attempt: Attempt): ContainerState {
  const { exit, id } = attempt;
  const { exitCode, signal, reason, message, startedAt, finishedAt } = exit!;
  const seconds = (text: string | undefined) => text && timestamp(Date.parse(text));
  return {
    terminated: {
      exitCode,
      ...(signal === undefined ? {} : { signal }),
      reason,
      ...(message ? { message } : {}),
      startedAt: seconds(startedAt),
      finishedAt: seconds(finishedAt),
      containerID: containerScheme + id,
    },
  };
}

function waitingState(view: StatusView, name: string, fallback: string): ContainerState {
  const { reason = fallback, message } = view.waiting.get(name) ?? {};
  return { waiting: { reason, ...(message ? { message } : {}) } };
}

function backOff(
  view: StatusView,
  container: Container,
  record: ContainerRecord,
): ContainerState | undefined {
  const waitMs = record.backoffMs;
  if (waitMs === 0 || nextStartMs(record) <= view.nowMs) return undefined;
  const { name, namespace, uid } = view.pod.metadata;
  const pod = `${name}_${namespace}(${uid})`;
  const message = `back-off ${waitMs / 1000}s restarting failed container=${container.name} pod=${pod}`;
  return { waiting: { reason: 'CrashLoopBackOff', message } };
}

function stateOf(view: StatusView, container: Container, role: Role): ContainerState {
  const record = view.record.containers[container.name];
  const current = record?.current;
  if (isRunning(current)) {
    return { running: { startedAt: timestamp(Date.parse(current!.startedAt!)) } };
  }
  const begun = view.record.sandbox && role === 'main' && !isInitDone(view);
  const fallback = begun ? 'PodInitializing' : 'ContainerCreating';
  if (!record || !current?.exit) return waitingState(view, container.name, fallback);
  const stays = isFinished(view.pod, view.record) || view.pod.metadata.deletionTimestamp;
  if (stays || !restarts(role, view.pod.spec.restartPolicy, current.exit))
    return terminated(current);
  const held = backOff(view, container, record);
  if (held) return held;
  return view.waiting.has(container.name)
    ? waitingState(view, container.name, fallback)
    : terminated(current);
}

function isInitDone(view: StatusView): boolean {
  const started = view.pod.spec.containers.some((c) => view.record.containers[c.name]?.current);
  const list = view.pod.spec.initContainers ?? [];
  return started || list.every((container) => isInitialized(view.record, container));
}

function containerStatus(view: StatusView, container: Container, role: Role): ContainerStatus {
  const record = view.record.containers[container.name];
  const current = record?.current;
  const state = stateOf(view, container, role);
  // While the next attempt is awaited, the one that ended is the last state already.
  const previous = current?.exit && !state.terminated ? current : record?.last;
  const runs = isRunning(current);
  const ready = role === 'init' ? current?.exit?.exitCode === 0 : runs && current?.ready === true;
  const shown = current ?? record?.last;
  return {
    name: container.name,
    state,
    lastState: previous?.exit ? terminated(previous) : {},
    ready,
    restartCount: record?.restartCount ?? 0,
    image: container.image ?? '',
    imageID: shown?.imageId ?? '',
    ...(shown ? { containerID: containerScheme + shown.id } : {}),
    started: runs && (role === 'init' || current?.started === true),
  };
}

function phase(view: StatusView): PodPhase {
  const { pod, record } = view;
  if (record.outcome) return 'Failed';
  const exits = pod.spec.containers.map((c) => record.containers[c.name]?.current?.exit);
  if (isFinished(pod, record)) {
    return exits.every((exit) => exit?.exitCode === 0) ? 'Succeeded' : 'Failed';
  }
  const begun = pod.spec.containers.every((c) => {
    const own = record.containers[c.name];
    return own?.current?.startedAt ?? own?.current?.exit ?? own?.last;
  });
  return isInitDone(view) && begun ? 'Running' : 'Pending';
}

interface Verdict {
  readonly ok: boolean;
  readonly reason?: string;
  readonly message?: string;
}

function readiness(statuses: readonly ContainerStatus[], current: PodPhase): Verdict {
  if (current === 'Succeeded') return { ok: false, reason: 'PodCompleted' };
  if (current === 'Failed') return { ok: false, reason: 'PodFailed' };
  const unready = statuses.filter((status) => !status.ready).map((status) => status.name);
  if (unready.length === 0) return { ok: true };
  const message = `containers with unready status: [${unready.join(' ')}]`;
  return { ok: false, reason: 'ContainersNotReady', message };
}

function gates(pod: Pod): Verdict {
  const missing = (pod.spec.readinessGates ?? [])
    .map((gate) => gate.conditionType)
    .filter((type) => pod.status?.conditions?.find((c) => c.type === type)?.status !== 'True');
  if (missing.length === 0) return { ok: true };
  const message = missing.map((type) => `the condition ${type} is not True`).join(', ');
  return { ok: false, reason: 'ReadinessGatesNotReady', message };
}

function initialized(view: StatusView): Verdict {
  if (isInitDone(view)) return { ok: true };
  const missing = (view.pod.spec.initContainers ?? [])
    .filter((container) => !isInitialized(view.record, container))
    .map((container) => container.name);
  const message = `containers with incomplete status: [${missing.join(' ')}]`;
  return { ok: false, reason: 'ContainersNotInitialized', message };
}

function conditions(
  view: StatusView,
  statuses: readonly ContainerStatus[],
  now: PodPhase,
): PodCondition[] {
  const containers = readiness(statuses, now);
  const verdicts: [string, Verdict][] = [
    ['PodReadyToStartContainers', { ok: view.record.sandbox !== undefined }],
    ['Initialized', initialized(view)],
    ['Ready', containers.ok ? gates(view.pod) : containers],
    ['ContainersReady', containers],
  ];
  const before = view.record.status?.conditions ?? [];
  return verdicts.map(([type, { ok, reason, message }]) => {
    const status = ok ? 'True' : 'False';
    const old = before.find((condition) => condition.type === type);
    const lastTransitionTime =
      old?.status === status ? old.lastTransitionTime : timestamp(view.nowMs);
    return {
      type,
      status,
      lastTransitionTime,
      ...(reason ? { reason } : {}),
      ...(message ? { message } : {}),
    };
  });
}

/**
 * The status the agent observes. PodScheduled and the conditions of others are not its own: the control
 * plane keeps them when it stores this.
 */
export function podStatus(view: StatusView): PodStatus {
  const { pod, record, hostIP } = view;
  const initStatuses = (pod.spec.initContainers ?? []).map((container) =>
    containerStatus(view, container, roleOf(container, true)),
  );
  const statuses = pod.spec.containers.map((c) => containerStatus(view, c, 'main'));
  const sidecars = initStatuses.filter(
    (_, index) => pod.spec.initContainers![index]!.restartPolicy,
  );
  const current = phase(view);
  const ips = record.sandbox?.ips ?? record.status?.podIPs?.map(({ ip }) => ip) ?? [];
  return {
    observedGeneration: pod.metadata.generation,
    phase: current,
    conditions: conditions(view, [...sidecars, ...statuses], current),
    ...record.outcome,
    hostIP,
    hostIPs: [{ ip: hostIP }],
    ...(ips.length > 0 ? { podIP: ips[0], podIPs: ips.map((ip) => ({ ip })) } : {}),
    startTime: record.startTime,
    ...(initStatuses.length > 0 ? { initContainerStatuses: initStatuses } : {}),
    containerStatuses: statuses,
    ...(pod.status?.qosClass ? { qosClass: pod.status.qosClass } : {}),
  };
}
