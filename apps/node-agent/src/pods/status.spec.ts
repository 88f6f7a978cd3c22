import { expect, test } from 'vitest';
import type { Pod, PodStatus } from '@gantry/api';
import { newRecord, type Attempt, type PodRecord } from './record.js';
import { afterReboot, reconcileAttempt } from './recovery.js';
import { podStatus } from './status.js';

const now = Date.UTC(2026, 0, 1);
const time = (seconds: number) => new Date(now + seconds * 1000).toISOString();

function pod(spec: Partial<Pod['spec']> = {}): Pod {
  const containers = [{ name: 'a', image: 'i' }];
  const metadata = { name: 'p', namespace: 'n', uid: 'u', generation: 3 };
  return { metadata, spec: { containers, restartPolicy: 'Always', ...spec } };
}

const attempt = (extra: Partial<Attempt> = {}): Attempt => {
  return { id: 'x', attempt: 0, image: 'i', imageId: 'sha256:1', ...extra };
};
const running = attempt({ startedAt: time(-60), started: true, ready: true });
const ended = (exitCode: number, seconds = -1) => {
  const reason = exitCode === 0 ? 'Completed' : 'Error';
  const exit = { exitCode, reason, startedAt: time(-60), finishedAt: time(seconds) };
  return attempt({ startedAt: time(-60), exit });
};

function record(
  current?: Attempt,
  extra: Partial<PodRecord['containers'][string]> = {},
): PodRecord {
  const made = newRecord('u', 'boot');
  made.sandbox = { ips: ['10.42.0.7'] };
  if (current) made.containers.a = { restartCount: 0, backoffMs: 0, current, ...extra };
  return made;
}

function statusOf(
  of: Pod,
  from: PodRecord,
  waiting = new Map<string, { reason: string }>(),
): PodStatus {
  return podStatus({ pod: of, record: from, waiting, hostIP: '10.99.0.1', nowMs: now });
}

const condition = (status: PodStatus, type: string) =>
  status.conditions!.find((one) => one.type === type)!;

test.each<[string, Pod, PodRecord, string, object]>([
  [
    'nothing yet',
    pod(),
    newRecord('u', 'b'),
    'Pending',
    { waiting: { reason: 'ContainerCreating' } },
  ],
  [
    'running',
    pod(),
    record(running),
    'Running',
    { running: { startedAt: '2025-12-31T23:59:00Z' } },
  ],
  [
    'crashed and waiting',
    pod(),
    record(ended(1), { backoffMs: 10_000 }),
    'Running',
    { waiting: { reason: 'CrashLoopBackOff' } },
  ],
  [
    'done',
    pod({ restartPolicy: 'Never' }),
    record(ended(0)),
    'Succeeded',
    { terminated: { exitCode: 0, reason: 'Completed', containerID: 'gantry://x' } },
  ],
  [
    'failed',
    pod({ restartPolicy: 'OnFailure', initContainers: [{ name: 'i', image: 'i' }] }),
    { ...record(), outcome: { reason: 'DeadlineExceeded', message: 'm' } },
    'Failed',
    { waiting: { reason: 'PodInitializing' } },
  ],
])('%s', (_, of, from, phase, state) => {
  const status = statusOf(of, from);
  expect(status.phase).toBe(phase);
  expect(status.containerStatuses![0]!.state).toMatchObject(state);
});

test('is ready when its containers are, and says which are not', () => {
  const status = statusOf(pod(), record(running));
  expect(condition(status, 'Ready').status).toBe('True');
  expect(status).toMatchObject({ podIP: '10.42.0.7', hostIP: '10.99.0.1', observedGeneration: 3 });
  const unready = statusOf(pod(), record({ ...running, ready: false }));
  expect(condition(unready, 'Ready').message).toBe('containers with unready status: [a]');
});

test('transition times hold as long as a condition does', () => {
  const first = record(running);
  const then = statusOf(pod(), first);
  first.status = {
    conditions: then.conditions!.map((one) => ({ ...one, lastTransitionTime: time(-500) })),
  };
  expect(condition(statusOf(pod(), first), 'Ready').lastTransitionTime).toBe(time(-500));
  first.containers.a!.current = ended(1);
  expect(condition(statusOf(pod(), first), 'Ready').lastTransitionTime).toBe(
    '2026-01-01T00:00:00Z',
  );
});

test('what an image pull waits for is shown with the last state kept', () => {
  const waiting = new Map([['a', { reason: 'ImagePullBackOff', message: 'why' }]]);
  const { state, lastState } = statusOf(pod(), record(ended(2)), waiting).containerStatuses![0]!;
  expect(state).toEqual({ waiting: { reason: 'ImagePullBackOff', message: 'why' } });
  expect(lastState!.terminated).toMatchObject({ exitCode: 2 });
});

test('readiness gates hold the pod back', () => {
  const gated = pod({ readinessGates: [{ conditionType: 'example.org/go' }] });
  expect(condition(statusOf(gated, record(running)), 'Ready').reason).toBe(
    'ReadinessGatesNotReady',
  );
  const open = { type: 'example.org/go', status: 'True' as const };
  gated.status = { conditions: [open] };
  expect(condition(statusOf(gated, record(running)), 'Ready').status).toBe('True');
});

test('a reboot ends what ran, counts it and runs init containers anew', () => {
  const state = record(running);
  state.containers.i = { restartCount: 0, backoffMs: 0, current: ended(0) };
  state.containers.b = { restartCount: 0, backoffMs: 40_000, current: attempt() };
  afterReboot(state, new Set(['i']), now);
  expect(state.sandbox).toBeUndefined();
  expect(state.containers.a!.current!.exit).toMatchObject({ exitCode: 255 });
  expect(state.containers.i).toMatchObject({ restartCount: 1, current: undefined });
  expect(state.containers.b.current).toBeUndefined();
});

test.each<[string, Attempt, object | undefined, string | undefined, string]>([
  ['a container that runs on', running, { running: true }, 'running', 'running'],
  ['one that was started unrecorded', attempt(), { running: true }, 'running', 'running'],
  ['one that was only created', attempt(), { running: true }, 'created', 'never-ran'],
  ['one that was never made', attempt(), undefined, undefined, 'never-ran'],
  ['one that ended', running, { running: false, exit: {} }, undefined, 'ended'],
  ['one that is gone', running, undefined, undefined, 'ended'],
])('after a crash of the agent: %s', (_, before, found, status, fate) => {
  const own = { restartCount: 0, backoffMs: 0, current: { ...before } };
  expect(reconcileAttempt(own, found as never, status, now)).toBe(fate);
  if (fate === 'never-ran') expect(own.current).toBeUndefined();
  if (fate === 'running') expect(own.current.startedAt).toBeDefined();
});
