import type { PullProgress } from '@gantry/image';
import { expect, test } from 'vitest';
import { progressSentence, PullTimes } from './pull-times.js';

const mebibyte = 2 ** 20;
const base: PullProgress = {
  reference: 'docker.io/library/web:1',
  phase: 'pulling',
  layersTotal: 5,
  layersDone: 1,
  layersPresent: 1,
  bytesTotal: 100 * mebibyte,
  bytesDone: 0,
  bytesPerSecond: 0,
  elapsedMs: 0,
};

test.each([
  [{ phase: 'resolving' as const }, 'Pulling image "web:1": asking the registry'],
  [
    { phase: 'resolving' as const, waiting: 'registry answered 429; trying again in 5 s' },
    'Pulling image "web:1": registry answered 429; trying again in 5 s',
  ],
  [
    { bytesDone: 25 * mebibyte, bytesPerSecond: 10 * mebibyte, secondsLeft: 67 },
    'Pulling image "web:1": 1 of 5 layers, 25.0 MiB of 100.0 MiB, 10.0 MiB/s, 1m7s left',
  ],
  [
    { waiting: 'waiting for a download slot (3 in use)' },
    'Pulling image "web:1": 1 of 5 layers, 0.0 MiB of 100.0 MiB, waiting for a download slot (3 in use)',
  ],
])('says how far it is: %o', (part, text) => {
  expect(progressSentence('web:1', { ...base, ...part })).toBe(text);
});

test('times the phases', () => {
  const times = new PullTimes();
  const steps: Partial<PullProgress>[] = [
    { phase: 'resolving', elapsedMs: 50 },
    { elapsedMs: 200, bytesDone: 1 },
    { elapsedMs: 2_200, bytesDone: 100 * mebibyte },
    { elapsedMs: 2_400, bytesDone: 100 * mebibyte },
    { phase: 'done', elapsedMs: 3_000, bytesDone: 100 * mebibyte, layersDone: 5 },
  ];
  for (const step of steps) times.note({ ...base, ...step });
  expect(times.text()).toBe(
    'resolve 0.2s, download 2.0s, unpack 0.8s; 5 layers, 1 present, 100.0 MiB downloaded',
  );
});
