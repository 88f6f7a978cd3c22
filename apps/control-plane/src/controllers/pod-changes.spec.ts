import type { Pod } from '@gantry/api';
import { expect, test } from 'vitest';
import { isOnlyBinding } from './pod-changes.js';

const pod = (changes: { metadata?: object; spec?: object; status?: object } = {}) =>
  ({
    metadata: { name: 'a', uid: 'u', labels: { app: 'web' }, ...changes.metadata },
    spec: { containers: [], ...changes.spec },
    status: { phase: 'Pending', ...changes.status },
  }) as unknown as Pod;

const onNode = { nodeName: 'n' };
const scheduled = { conditions: [{ type: 'PodScheduled', status: 'True' }] };

test.each<[string, Pod, boolean]>([
  ['a node', pod({ spec: onNode, status: scheduled }), true],
  ['nothing', pod(), false],
  ['a condition', pod({ status: scheduled }), false],
  ['a node and a label', pod({ spec: onNode, metadata: { labels: {} } }), false],
  ['a node and an owner', pod({ spec: onNode, metadata: { ownerReferences: [] } }), false],
  ['a node and an end', pod({ spec: onNode, status: { phase: 'Failed' } }), false],
  ['a node and its deletion', pod({ spec: onNode, metadata: { deletionTimestamp: 't' } }), false],
  [
    'a node and readiness',
    pod({ spec: onNode, status: { conditions: [{ type: 'Ready', status: 'False' }] } }),
    false,
  ],
])('a pod that gets %s', (_what, changed, expected) => {
  expect(isOnlyBinding(changed, pod())).toBe(expected);
  expect(isOnlyBinding(pod(), changed)).toBe(expected);
});
