import { expect, test } from 'vitest';
import type { Pod, Taint, Toleration } from '@gantry/api';
import { earliestEviction } from './eviction.js';

const lost: Taint = { key: 'node.kubernetes.io/unreachable', effect: 'NoExecute' };
const own: Taint = { key: 'maintenance', value: 'now', effect: 'NoExecute' };
const pod = (...tolerations: Toleration[]) =>
  ({ metadata: {}, spec: { containers: [], tolerations } }) as Pod;

const cases: [title: string, pod: Pod, taints: Taint[], afterMs: number | undefined][] = [
  ['no taint', pod(), [], undefined],
  ['a lost node is waited for', pod(), [lost], 30_000],
  ['any other taint works at once', pod(), [own], 0],
  ['the earliest counts', pod(), [lost, own], 0],
  ['tolerated for ever', pod({ key: 'maintenance', operator: 'Exists' }), [own], undefined],
  [
    'tolerated for a time',
    pod({ key: lost.key, operator: 'Exists', effect: 'NoExecute', tolerationSeconds: 300 }),
    [lost],
    300_000,
  ],
  [
    'the shortest of several times',
    pod(
      { key: lost.key, operator: 'Exists', tolerationSeconds: 300 },
      { operator: 'Exists', tolerationSeconds: 5 },
    ),
    [lost],
    5_000,
  ],
  ['a time below 0 is at once', pod({ operator: 'Exists', tolerationSeconds: -1 }), [lost], 0],
];

test.each(cases)('%s', (_title, subject, taints, afterMs) => {
  const added = taints.map((taint) => ({ taint, addedMs: 1_000 }));
  const expected = afterMs === undefined ? undefined : 1_000 + afterMs;
  expect(earliestEviction(subject, added, 30_000)).toBe(expected);
});
