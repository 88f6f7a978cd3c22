import { expect, test } from 'vitest';
import type { Deployment } from '@gantry/api';
import { rolloutBounds } from './bounds.js';

type Share = number | string | undefined;

const deployment = (replicas: number | undefined, maxSurge: Share, maxUnavailable: Share) =>
  ({
    metadata: {},
    spec: {
      replicas,
      strategy: { type: 'RollingUpdate', rollingUpdate: { maxSurge, maxUnavailable } },
    },
  }) as Deployment;

const cases: [number | undefined, Share, Share, surge: number, unavailable: number][] = [
  [10, undefined, undefined, 3, 2],
  [3, undefined, undefined, 1, 0],
  [1, undefined, undefined, 1, 0],
  [undefined, undefined, undefined, 1, 0],
  [10, 1, 0, 1, 0],
  [10, '0%', '0%', 0, 1],
  [10, 0, 0, 0, 1],
  [2, 0, 5, 0, 2],
  [7, '50%', '50%', 4, 3],
  [0, '25%', '25%', 0, 1],
];

test.each(cases)(
  '%s replicas, surge %s, unavailable %s → %i, %i',
  (n, s, u, surge, unavailable) => {
    expect(rolloutBounds(deployment(n, s, u))).toEqual({
      desired: n ?? 1,
      maxSurge: surge,
      maxUnavailable: unavailable,
    });
  },
);

test('Recreate may take all away and adds none on top', () => {
  const recreate = { metadata: {}, spec: { replicas: 4, strategy: { type: 'Recreate' } } };
  expect(rolloutBounds(recreate as Deployment)).toEqual({
    desired: 4,
    maxSurge: 0,
    maxUnavailable: 4,
  });
});
