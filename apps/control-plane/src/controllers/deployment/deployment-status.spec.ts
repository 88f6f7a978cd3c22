import type { Deployment, DeploymentStatus, ReplicaSet } from '@gantry/api';
import { timestamp } from '@gantry/base';
import { expect, test } from 'vitest';
import { findCondition } from '../conditions.js';
import { deploymentStatus, progressDeadlineMs } from './deployment-status.js';

const startMs = Date.parse('2026-01-01T00:00:00Z');
const progressDeadlineSeconds = 8;

function set(name: string, replicas: number, available: number): ReplicaSet {
  const status = { replicas, readyReplicas: available, availableReplicas: available };
  return { metadata: { name }, spec: { replicas }, status } as ReplicaSet;
}

function deployment(status: DeploymentStatus): Deployment {
  const spec = { replicas: 3, progressDeadlineSeconds };
  return { metadata: { name: 'web', generation: 2 }, spec, status } as Deployment;
}

/** As a rollout leaves it that is complete. */
const complete: DeploymentStatus = {
  observedGeneration: 1,
  replicas: 3,
  updatedReplicas: 3,
  readyReplicas: 3,
  availableReplicas: 3,
  conditions: [
    {
      type: 'Progressing',
      status: 'True',
      reason: 'NewReplicaSetAvailable',
      message: '',
      lastUpdateTime: timestamp(startMs),
    },
  ],
};

const progressing = ({ conditions }: DeploymentStatus) => findCondition(conditions, 'Progressing');

test('a rollout whose beginning nobody wrote down has a deadline all the same', () => {
  const old = [set('old', 3, 3)];
  const fresh = set('new', 1, 0);
  const seen = deploymentStatus({ deployment: deployment(complete), fresh, old }, startMs);
  expect(progressing(seen)).toMatchObject({ status: 'True', reason: 'ReplicaSetUpdated' });
  const stuck = deployment(seen);
  const endMs = startMs + progressDeadlineSeconds * 1_000;
  expect(progressDeadlineMs(stuck)).toBe(endMs);
  const before = deploymentStatus({ deployment: stuck, fresh, old }, endMs - 1);
  expect(progressing(before)).toEqual(progressing(seen));
  const after = deploymentStatus({ deployment: stuck, fresh, old }, endMs);
  expect(progressing(after)).toMatchObject({ status: 'False', reason: 'ProgressDeadlineExceeded' });
});

test('a complete rollout that loses a pod stays complete', () => {
  const fresh = set('new', 2, 2);
  const seen = deploymentStatus({ deployment: deployment(complete), fresh, old: [] }, startMs);
  expect(progressing(seen)?.reason).toBe('NewReplicaSetAvailable');
});
