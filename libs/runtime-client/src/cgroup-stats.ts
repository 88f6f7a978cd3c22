import { readFile } from 'node:fs/promises';
import { join } from 'node:path';

export interface CgroupStats {
  /** CPU time used since the cgroup was made, nanoseconds. */
  readonly cpuUsageNanos: number;
  /** Time in which it was held back by its quota, nanoseconds. */
  readonly throttledNanos: number;
  readonly memoryUsageBytes: number;
  /** Usage without the file pages that are easy to reclaim, as the kubelet counts it. */
  readonly memoryWorkingSetBytes: number;
  readonly pids: number;
  readonly oomKills: number;
}

/**
 * Reads a cgroup's counters; undefined when the cgroup is not there (any more). A controller that
 * is not mounted counts as zero.
 */
export async function cgroupStats(
  cgroupsPath: string,
  cgroupRoot = '/sys/fs/cgroup',
): Promise<CgroupStats | undefined> {
  const unified = await read(join(cgroupRoot, 'cgroup.controllers'));
  return unified === undefined ? v1(cgroupsPath, cgroupRoot) : v2(cgroupsPath, cgroupRoot);
}

async function v1(path: string, root: string): Promise<CgroupStats | undefined> {
  const file = (controller: string, name: string) => read(join(root, controller, path, name));
  const [usage, cpu, memory, statistics, oom, pids] = await Promise.all([
    file('cpuacct', 'cpuacct.usage'),
    file('cpu', 'cpu.stat'),
    file('memory', 'memory.usage_in_bytes'),
    file('memory', 'memory.stat'),
    file('memory', 'memory.oom_control'),
    file('pids', 'pids.current'),
  ]);
  if ([usage, cpu, memory, pids].every((text) => text === undefined)) return undefined;
  const memoryUsageBytes = number(memory);
  return {
    cpuUsageNanos: number(usage),
    throttledNanos: field(cpu, 'throttled_time'),
    memoryUsageBytes,
    memoryWorkingSetBytes: workingSet(memoryUsageBytes, field(statistics, 'total_inactive_file')),
    pids: number(pids),
    oomKills: field(oom, 'oom_kill'),
  };
}

async function v2(path: string, root: string): Promise<CgroupStats | undefined> {
  const file = (name: string) => read(join(root, path, name));
  const [cpu, memory, statistics, events, pids] = await Promise.all([
    file('cpu.stat'),
    file('memory.current'),
    file('memory.stat'),
    file('memory.events'),
    file('pids.current'),
  ]);
  // cpu.stat is in every cgroup, whatever its controllers.
  if (cpu === undefined) return undefined;
  const memoryUsageBytes = number(memory);
  return {
    cpuUsageNanos: field(cpu, 'usage_usec') * 1000,
    throttledNanos: field(cpu, 'throttled_usec') * 1000,
    memoryUsageBytes,
    memoryWorkingSetBytes: workingSet(memoryUsageBytes, field(statistics, 'inactive_file')),
    pids: number(pids),
    oomKills: field(events, 'oom_kill'),
  };
}

function workingSet(usage: number, inactiveFile: number): number {
  return Math.max(0, usage - inactiveFile);
}

function number(text: string | undefined): number {
  const value = Number((text ?? '').trim());
  return Number.isFinite(value) ? value : 0;
}

function field(text: string | undefined, name: string): number {
  const line = text?.split('\n').find((candidate) => candidate.startsWith(`${name} `));
  return number(line?.slice(name.length + 1));
}

async function read(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    // ENODEV: the cgroup went while its file was open.
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT' || code === 'ENODEV' || code === 'ENOTDIR') return undefined;
    throw error;
  }
}
