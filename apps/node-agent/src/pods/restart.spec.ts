import { expect, test } from 'vitest';
import type { ContainerRecord } from './record.js';
import { nextBackoffMs, nextStartMs, restarts } from './restart.js';

const at = (seconds: number) => new Date(Date.UTC(2026, 0, 1) + seconds * 1000).toISOString();

function crashed(backoffMs: number, ranSeconds: number): ContainerRecord {
  const exit = { exitCode: 1, reason: 'Error', startedAt: at(0), finishedAt: at(ranSeconds) };
  const current = { id: 'x', attempt: 0, image: 'i', imageId: 'i', startedAt: at(0), exit };
  return { restartCount: 0, backoffMs, current };
}

test('the first restart is at once, then delays double up to five minutes', () => {
  let record = crashed(0, 1);
  const delays: number[] = [];
  for (let turn = 0; turn < 8; turn += 1) {
    delays.push(nextStartMs(record) - Date.parse(record.current!.exit!.finishedAt));
    record = crashed(nextBackoffMs(record, 10_000), 1);
  }
  expect(delays).toEqual([0, 10_000, 20_000, 40_000, 80_000, 160_000, 300_000, 300_000]);
});

test('ten minutes of running earn a fresh start', () => {
  expect(nextBackoffMs(crashed(160_000, 599), 10_000)).toBe(300_000);
  expect(nextBackoffMs(crashed(160_000, 600), 10_000)).toBe(10_000);
});

test.each([
  ['main', 'Always', 0, true],
  ['main', 'Always', 1, true],
  ['main', 'OnFailure', 0, false],
  ['main', 'OnFailure', 1, true],
  ['main', 'Never', 1, false],
  ['init', 'Always', 0, false],
  ['init', 'Always', 1, true],
  ['init', 'Never', 1, false],
  ['sidecar', 'Never', 0, true],
] as const)('%s under %s with exit code %i: %s', (role, policy, exitCode, expected) => {
  expect(restarts(role, policy, { exitCode, reason: '', finishedAt: at(0) })).toBe(expected);
});
