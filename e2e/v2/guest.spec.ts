import { expect, test } from 'vitest';
import { runInGuest } from './guest.ts';

test('the guest has a unified cgroup v2, and its exit code comes back', async () => {
  const outcome = await runInGuest('cat /sys/fs/cgroup/cgroup.controllers; exit 7');
  expect(outcome.stdout.trim().split(' ')).toEqual(['cpu', 'io', 'memory', 'pids']);
  expect(outcome.code).toBe(7);
});
