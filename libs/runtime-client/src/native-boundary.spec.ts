import { describe, expect, test } from 'vitest';
import {
  checkContainerId,
  readCniError,
  readCniResult,
  readContainer,
  readContainers,
  readContainerState,
  readCreated,
  readExitRecord,
  readLauncherLine,
  readRunResult,
  readSandbox,
  readSessionStatus,
} from './native-boundary.js';

const exit = {
  containerId: 'c',
  pid: 7,
  exitCode: 0,
  oomKilled: false,
  startedAt: '2026-01-01T00:00:00.000000000Z',
  finishedAt: '2026-01-01T00:00:01.000000000Z',
};
const container = {
  containerId: 'c',
  pid: 7,
  monitorPid: 8,
  running: true,
  bundle: '/b',
  logPath: '/l',
  annotations: { a: 'b' },
};
const run = { exitCode: 0, stdout: '', stderr: '', truncated: false };
const state = { id: 'c', status: 'running', pid: 7, bundle: '/b' };
const cni = { cniVersion: '1.1.0', ips: [{ address: '10.0.0.2/24' }] };

/** Each required field of a good answer, missing, null and of every wrong type. */
function damaged(good: object): [string, object][] {
  const wrong = [undefined, null, [], {}, Number.NaN, -1, 1.5, 'text', true, 7];
  return Object.entries(good).flatMap(([name, value]) =>
    wrong
      .filter(
        (bad) => typeof bad !== typeof value || bad === null || Number(bad) < 0 || bad === 1.5,
      )
      .filter((bad) => !(Array.isArray(value) && Array.isArray(bad)))
      .filter((bad) => !isSameKindOfObject(value, bad))
      .map((bad): [string, object] => [
        `${name}=${JSON.stringify(bad) ?? 'undefined'}`,
        { ...good, [name]: bad },
      ]),
  );
}

function isSameKindOfObject(value: unknown, bad: unknown): boolean {
  const isRecord = (x: unknown) => typeof x === 'object' && x !== null && !Array.isArray(x);
  return isRecord(value) && isRecord(bad);
}

describe.each([
  ['exit record', exit, (value: unknown) => readExitRecord(value)],
  ['container', container, (value: unknown) => readContainer(value)],
  ['created', { pid: 1, monitorPid: 2 }, (value: unknown) => readCreated(value)],
  ['run result', run, (value: unknown) => readRunResult(value)],
  ['sandbox', { dir: '/d', ipc: '/d/ipc' }, (value: unknown) => readSandbox(value)],
  ['cni result', cni, (value: unknown) => readCniResult(JSON.stringify(value))],
] as const)('%s', (_name, good, read) => {
  test('is read as it is', () => {
    expect(read(good)).toMatchObject(good);
  });

  test.each(damaged(good))('is refused with %s', (_damage, bad) => {
    expect(() => read(bad)).toThrow(/native side: .*must be|not JSON/);
  });

  test.each([undefined, null, 3, 'x', []])('is refused when it is %s', (bad) => {
    expect(() => read(bad)).toThrow();
  });
});

test('optional fields may be absent or null, but not of another type', () => {
  expect(readExitRecord({ ...exit, signal: null }).signal).toBeUndefined();
  expect(readExitRecord({ ...exit, signal: 9, problem: 'lost' })).toMatchObject({ signal: 9 });
  expect(() => readExitRecord({ ...exit, signal: 'KILL' })).toThrow('exit.signal');
  expect(() => readContainer({ ...container, exit: { ...exit, pid: 'x' } })).toThrow(
    'container.exit.pid',
  );
  expect(() => readContainer({ ...container, annotations: { a: 1 } })).toThrow('annotations.a');
  expect(() => readContainers({ containers: [container, null] })).toThrow('containers[1]');
});

test.each([
  ['', 'not JSON'],
  ['{', 'not JSON'],
  ['[]', 'must be an object'],
  ['null', 'must be an object'],
  ['{}', 'answer.id'],
  ['{"id":"1","result":{}}', 'answer.id'],
  ['{"id":1}', 'neither result nor error'],
  ['{"event":"boom"}', 'answer.event'],
  ['{"event":"exit"}', 'answer.exit'],
  ['{"id":1,"error":null}', 'answer.error'],
  ['{"id":1,"error":{"step":1,"message":"m"}}', 'answer.error.step'],
])('the line %s is refused', (line, expected) => {
  expect(() => readLauncherLine(line)).toThrow(expected);
});

test('errors of the launcher keep their reason and step', () => {
  const error = { step: 'open log', message: 'no space left', reason: 'NotFound' };
  const line = readLauncherLine(JSON.stringify({ id: 4, error }));
  expect(line).toMatchObject({ kind: 'error', id: 4, error: { reason: 'NotFound' } });
  expect(line).toHaveProperty('error.message', 'open log: no space left');
  const odd = readLauncherLine(JSON.stringify({ id: 4, error: { ...error, reason: 'Odd' } }));
  expect(odd).toHaveProperty('error.reason', 'InternalError');
});

test('the state of a container is checked', () => {
  expect(readContainerState(JSON.stringify(state))).toEqual(state);
  for (const bad of [
    { ...state, status: 'odd' },
    { ...state, id: 1 },
    { ...state, pid: -1 },
  ]) {
    expect(() => readContainerState(JSON.stringify(bad))).toThrow('state.');
  }
  expect(() => readContainerState('oops')).toThrow('not JSON');
});

test('a session ends with an exit code or the reason why not', () => {
  expect(readSessionStatus('{"exitCode":3}')).toBe(3);
  expect(() => readSessionStatus('{"exitCode":"3"}')).toThrow('status.exitCode');
  expect(() => readSessionStatus('{"error":{"step":"s","message":"m"}}')).toThrow('s: m');
  expect(() => readSessionStatus('')).toThrow('not JSON');
});

test('errors of a CNI plugin are told in its own words, whatever it printed', () => {
  const object = JSON.stringify({ code: 11, msg: 'busy', details: 'try later' });
  expect(readCniError('network ADD', object, '')).toMatchObject({
    message: 'network ADD: busy (try later)',
    reason: 'ServiceUnavailable',
  });
  expect(readCniError('network ADD', 'segfault', '').message).toBe('network ADD: segfault');
  expect(readCniError('network ADD', '{"msg":1}', 'panic').message).toBe('network ADD: panic');
  expect(readCniError('network ADD', '', '').message).toBe('network ADD: it said nothing');
});

test.each(['', '-x', '--all', '../x', 'a/b', 'a b', 'a\n', 'x'.repeat(129)])(
  'the container id %j is refused',
  (id) => {
    expect(() => checkContainerId(id)).toThrow('containerId');
  },
);
