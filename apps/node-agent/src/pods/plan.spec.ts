import { describe, expect, test } from 'vitest';
import type { Container, Pod } from '@gantry/api';
import { planPod, type PodView } from './plan.js';
import { newRecord, type Attempt, type PodRecord } from './record.js';

const now = Date.UTC(2026, 0, 1);
const time = (offsetSeconds: number) => new Date(now + offsetSeconds * 1000).toISOString();

const main = (name: string): Container => ({ name, image: 'image' });
const sidecar = (name: string): Container => ({ ...main(name), restartPolicy: 'Always' });

function pod(spec: Partial<Pod['spec']>): Pod {
  const metadata = { name: 'p', namespace: 'default', uid: 'u' };
  return { metadata, spec: { containers: [main('a')], restartPolicy: 'Always', ...spec } };
}

function running(): Attempt {
  const image = { image: 'image', imageId: 'sha256:1' };
  return { id: 'x', attempt: 0, ...image, startedAt: time(-60), started: true, ready: true };
}

function exited(exitCode: number, secondsAgo = 1): Attempt {
  const exit = { exitCode, reason: 'Error', startedAt: time(-60), finishedAt: time(-secondsAgo) };
  return { ...running(), exit };
}

function record(attempts: Record<string, Attempt>, backoffMs = 0): PodRecord {
  const made = newRecord('u', 'boot');
  made.sandbox = { ips: ['10.0.0.2'] };
  for (const [name, current] of Object.entries(attempts)) {
    made.containers[name] = { restartCount: 0, backoffMs, current };
  }
  return made;
}

function plan(view: Partial<PodView> & Pick<PodView, 'pod' | 'record'>) {
  const defaults = { nowMs: now, busy: new Set<string>(), leaving: false };
  const none = { retryAtMs: new Map(), stopRequests: new Map() };
  const { actions, wakeAtMs } = planPod({ ...defaults, ...none, ...view });
  const names = actions.map((a) => ('container' in a ? `${a.type} ${a.container.name}` : a.type));
  return { actions: names, wakeAtMs };
}

describe('bringing up', () => {
  const bare = newRecord('u', 'boot');
  const withInit = pod({
    initContainers: [main('i'), sidecar('s')],
    containers: [main('a'), main('b')],
  });

  test.each<[string, PodRecord, string[]]>([
    ['the sandbox comes first', bare, ['prepare']],
    ['then the first init container alone', record({}), ['start i']],
    ['which is waited for', record({ i: running() }), []],
    ['a failed one is repeated', record({ i: exited(1) }), ['start i']],
    ['then the sidecar', record({ i: exited(0) }), ['start s']],
    ['which has to be up', record({ i: exited(0), s: { ...running(), started: false } }), []],
    ['then all containers at once', record({ i: exited(0), s: running() }), ['start a', 'start b']],
    [
      'a crashed sidecar comes back beside them',
      record({ i: exited(0), s: exited(1), a: running(), b: running() }),
      ['start s'],
    ],
  ])('%s', (_, state, expected) => {
    expect(plan({ pod: withInit, record: state }).actions).toEqual(expected);
  });

  test('what is under way is not begun twice', () => {
    expect(plan({ pod: pod({}), record: bare, busy: new Set(['/pod']) }).actions).toEqual([]);
    expect(plan({ pod: pod({}), record: record({}), busy: new Set(['a']) }).actions).toEqual([]);
  });

  test('what failed waits for its time', () => {
    const retryAtMs = new Map([['a', now + 5000]]);
    expect(plan({ pod: pod({}), record: record({}), retryAtMs })).toEqual({
      actions: [],
      wakeAtMs: now + 5000,
    });
  });
});

describe('keeping up', () => {
  test('a crash waits out its back-off', () => {
    const crashed = record({ a: exited(1, 4) }, 10_000);
    expect(plan({ pod: pod({}), record: crashed })).toEqual({ actions: [], wakeAtMs: now + 6000 });
    expect(plan({ pod: pod({}), record: crashed, nowMs: now + 6000 }).actions).toEqual(['start a']);
  });

  test('a failed liveness probe or a new image stops a container', () => {
    const stopRequests = new Map([['a', { reason: 'Unhealthy', message: '' }]]);
    const state = record({ a: running() });
    expect(plan({ pod: pod({}), record: state, stopRequests }).actions).toEqual(['stop a']);
    const changed = pod({ containers: [{ name: 'a', image: 'other' }] });
    expect(plan({ pod: changed, record: state }).actions).toEqual(['stop a']);
  });
});

describe('winding down', () => {
  const spec = {
    initContainers: [sidecar('s1'), sidecar('s2')],
    containers: [main('a'), main('b')],
  };
  const all = { s1: running(), s2: running(), a: running(), b: running() };
  const gone = { s1: exited(0), s2: exited(0), a: exited(0), b: exited(0) };

  test.each<[string, Record<string, Attempt>, string[]]>([
    ['containers first', all, ['stop a', 'stop b']],
    ['each until it is gone', { ...all, a: exited(0) }, ['stop b']],
    ['then sidecars, last first', { ...all, a: exited(0), b: exited(0) }, ['stop s2']],
    ['then the first', { ...gone, s1: running() }, ['stop s1']],
    ['then everything else', gone, ['remove']],
  ])('a pod that leaves: %s', (_, attempts, expected) => {
    expect(plan({ pod: pod(spec), record: record(attempts), leaving: true }).actions).toEqual(
      expected,
    );
  });

  test('nothing is removed while something is under way', () => {
    const busy = new Set(['/pod']);
    expect(plan({ pod: pod({}), record: record({}), leaving: true, busy }).actions).toEqual([]);
  });

  test('a finished pod keeps its record and loses its sandbox', () => {
    const done = pod({ restartPolicy: 'Never' });
    const state = record({ a: exited(1) });
    expect(plan({ pod: done, record: state }).actions).toEqual(['tear-down']);
    state.sandbox = undefined;
    expect(plan({ pod: done, record: state }).actions).toEqual([]);
  });

  test('a failed init container finishes a pod that never restarts', () => {
    const failing = pod({ restartPolicy: 'Never', initContainers: [main('i')] });
    expect(plan({ pod: failing, record: record({ i: exited(1) }) }).actions).toEqual(['tear-down']);
  });

  test('an outcome such as a deadline stops what still runs', () => {
    const state = record({ a: running() });
    state.outcome = { reason: 'DeadlineExceeded', message: '' };
    expect(plan({ pod: pod({}), record: state }).actions).toEqual(['stop a']);
  });
});
