import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { cgroupStats } from './cgroup-stats.js';

let root: string;

beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'gantry-cgroup-'));
});
afterEach(() => rm(root, { recursive: true }));

async function write(files: Record<string, string>): Promise<void> {
  for (const [name, content] of Object.entries(files)) {
    await mkdir(dirname(join(root, name)), { recursive: true });
    await writeFile(join(root, name), content);
  }
}

test('reads a v2 cgroup', async () => {
  await write({
    'cgroup.controllers': 'cpu memory pids\n',
    'gantry/p/c/cpu.stat': 'usage_usec 1500\nuser_usec 1000\nnr_throttled 2\nthrottled_usec 70\n',
    'gantry/p/c/memory.current': '1000000\n',
    'gantry/p/c/memory.stat': 'anon 1\ninactive_file 400000\ninactive_anon 5\n',
    'gantry/p/c/memory.events': 'low 0\nhigh 0\nmax 3\noom 2\noom_kill 1\noom_group_kill 0\n',
    'gantry/p/c/pids.current': '4\n',
  });
  expect(await cgroupStats('/gantry/p/c', root)).toEqual({
    cpuUsageNanos: 1_500_000,
    throttledNanos: 70_000,
    memoryUsageBytes: 1_000_000,
    memoryWorkingSetBytes: 600_000,
    pids: 4,
    oomKills: 1,
  });
  expect(await cgroupStats('/gantry/p/other', root)).toBeUndefined();
});

test('reads v1 controllers as far as they are mounted', async () => {
  await write({
    'cpuacct/g/cpuacct.usage': '123456789\n',
    'cpu/g/cpu.stat': 'nr_periods 9\nnr_throttled 1\nthrottled_time 5000\n',
    'memory/g/memory.usage_in_bytes': '300\n',
    'memory/g/memory.stat': 'inactive_file 1\ntotal_inactive_file 500\n',
    'memory/g/memory.oom_control': 'oom_kill_disable 0\nunder_oom 0\noom_kill 2\n',
  });
  expect(await cgroupStats('/g', root)).toEqual({
    cpuUsageNanos: 123_456_789,
    throttledNanos: 5000,
    memoryUsageBytes: 300,
    memoryWorkingSetBytes: 0,
    pids: 0,
    oomKills: 2,
  });
  expect(await cgroupStats('/gone', root)).toBeUndefined();
});
