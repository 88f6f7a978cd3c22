import type { ExitRecord, KilledBy } from '@gantry/runtime-client';
import { expect, test } from 'vitest';
import { deathSentence } from './death-sentence.js';

const mib = 2 ** 20;

function exit(fields: Partial<ExitRecord>): ExitRecord {
  return {
    containerId: 'c',
    pid: 7,
    exitCode: fields.signal ? 128 + fields.signal : 1,
    oomKilled: fields.killedBy?.culprit === 'oom',
    startedAt: '2026-01-01T00:00:00Z',
    finishedAt: '2026-01-01T00:00:01Z',
    ...fields,
  };
}

const asked = (request: KilledBy['request']): KilledBy => ({ culprit: 'request', request });
const at = '2026-01-01T00:00:01Z';

test.each<[string | undefined, Partial<ExitRecord>]>([
  [undefined, { exitCode: 0 }],
  [undefined, { exitCode: 3 }],
  [
    'killed by the kernel: 64 MiB limit reached, peak 63.5 MiB',
    {
      signal: 9,
      killedBy: { culprit: 'oom' },
      memoryLimitBytes: 64 * mib,
      memoryPeakBytes: 63.5 * mib,
    },
  ],
  [
    'killed by the kernel: the host ran out of memory, peak 900 MiB',
    { signal: 9, killedBy: { culprit: 'oom' }, memoryPeakBytes: 900 * mib },
  ],
  [
    'ended by SIGKILL: its liveness probe failed',
    { signal: 9, killedBy: asked({ signal: 9, at, reason: 'its liveness probe failed' }) },
  ],
  [
    'returned 0 after SIGTERM: the pod is deleted',
    { exitCode: 0, killedBy: asked({ signal: 15, at, reason: 'the pod is deleted' }) },
  ],
  [
    'ended by SIGKILL, which bash (pid 12) asked the runtime for',
    { signal: 9, killedBy: asked({ signal: 9, at, sender: { pid: 12, name: 'bash' } }) },
  ],
  [
    'ended by SIGSYS: it made a system call that its seccomp profile forbids',
    { signal: 31, killedBy: { culprit: 'fault' } },
  ],
  [
    'ended by SIGKILL from a process outside of the container',
    { signal: 9, killedBy: { culprit: 'outside' } },
  ],
  [
    'ended by signal 40 from a process that shares its process namespace',
    { signal: 40, killedBy: { culprit: 'unknown' } },
  ],
  ['the monitor was lost', { exitCode: 255, problem: 'the monitor was lost' }],
  [
    'its CPU limit held it back for 2.5 s in all',
    { exitCode: 1, cpuPeriods: 100, throttledPeriods: 60, throttledMicros: 2_500_000 },
  ],
  [undefined, { exitCode: 0, cpuPeriods: 100, throttledPeriods: 60, throttledMicros: 2_500_000 }],
])('%s', (sentence, fields) => {
  expect(deathSentence(exit(fields))).toBe(sentence);
});
