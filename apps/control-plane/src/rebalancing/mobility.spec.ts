import { expect, test } from 'vitest';
import { podGroupLabel, type Pod, type Volume } from '@gantry/api';
import { mobilityOf } from './mobility.js';

interface Traits {
  readonly owner?: string | undefined;
  readonly volume?: Partial<Volume>;
  readonly annotations?: Record<string, string>;
  readonly labels?: Record<string, string>;
  readonly priority?: number;
  readonly ready?: boolean;
  readonly ending?: boolean;
}

function pod({ owner = 'ReplicaSet', volume, priority, ready = true, ...more }: Traits): Pod {
  const reference = { apiVersion: 'v1', kind: owner, name: 'o', uid: 'o', controller: true };
  const { annotations = {}, labels = {}, ending } = more;
  return {
    metadata: {
      name: 'p',
      namespace: 'n',
      annotations,
      labels,
      ...(owner === '' ? {} : { ownerReferences: [reference] }),
      ...(ending ? { deletionTimestamp: '2026-11-21T12:00:00Z' } : {}),
    },
    spec: {
      containers: [],
      ...(priority === undefined ? {} : { priority }),
      ...(volume ? { volumes: [{ name: 'v', ...volume }] } : {}),
    },
    status: { phase: 'Running', conditions: [{ type: 'Ready', status: ready ? 'True' : 'False' }] },
  };
}

const allowed = { 'gantry.dev/rebalance': 'allowed' };

test.each<[string, Traits, string]>([
  ['one of a ReplicaSet', {}, 'movable'],
  ['one with memory for a volume', { volume: { emptyDir: { medium: 'Memory' } } }, 'movable'],
  ['one that gives its scratch up', { volume: { emptyDir: {} }, annotations: allowed }, 'movable'],
  ['one of a DaemonSet', { owner: 'DaemonSet' }, 'with-node'],
  ['a bare one', { owner: '' }, 'fixed: has no controller that replaces it'],
  ['one of a Job', { owner: 'Job' }, 'fixed: belongs to a Job'],
  ['one that is ending', { ending: true }, 'fixed: is ending'],
  ['one of a gang', { labels: { [podGroupLabel]: 'g' } }, 'fixed: is one of a gang'],
  ['one of the system', { priority: 2_000_000_000 }, 'fixed: belongs to the system'],
  ['one that is not ready', { ready: false }, 'fixed: is not ready'],
  [
    'one with a claim, whatever it says',
    { volume: { persistentVolumeClaim: { claimName: 'c' } }, annotations: allowed },
    'fixed: uses the claim c',
  ],
  [
    "one with the host's files, whatever it says",
    { volume: { hostPath: { path: '/d' } }, annotations: allowed },
    'fixed: uses /d of its node',
  ],
])('%s', (_title, traits, expected) => {
  const { sort, why } = mobilityOf(pod(traits));
  expect(why === '' || sort === 'with-node' ? sort : `${sort}: ${why}`).toBe(expected);
});
