import { expect, test } from 'vitest';
import { pod, snapshotOf, verdicts, type NodeFixture, type PodFixture } from '../fixtures.js';
import { resourcesFilter } from './resources.js';

const nodes: NodeFixture[] = [
  { name: 'a', offers: { cpu: '2', memory: '2Gi', pods: '2', 'ephemeral-storage': '10Gi' } },
  { name: 'gpu', offers: { cpu: '8', memory: '8Gi', pods: '2', 'nvidia.com/gpu': '2' } },
];
const placed = [
  { name: 'p', nodeName: 'a', requests: { cpu: '500m', memory: '1Gi' } },
  { name: 'g', nodeName: 'gpu', requests: { 'nvidia.com/gpu': '1' } },
];

const cases: [title: string, asks: Partial<PodFixture>, a: string, gpu: string][] = [
  ['nothing', {}, 'ok', 'ok'],
  ['exactly what is free', { requests: { cpu: '1500m', memory: '1Gi' } }, 'ok', 'ok'],
  ['a millicore more', { requests: { cpu: '1501m' } }, '1500m cpu free of 2, 1501m asked', 'ok'],
  [
    'two resources too many',
    { requests: { cpu: '9', memory: '9Gi' } },
    '1500m cpu free of 2, 9 asked; 1Gi memory free of 2Gi, 9Gi asked',
    '8 cpu free of 8, 9 asked; 8Gi memory free of 8Gi, 9Gi asked',
  ],
  ['a device', { requests: { 'nvidia.com/gpu': '1' } }, 'has no nvidia.com/gpu, 1 asked', 'ok'],
  [
    'scratch space',
    { requests: { 'ephemeral-storage': '4Gi' } },
    'ok',
    'has no ephemeral-storage, 4Gi asked',
  ],
];

test.each(cases)('asks for %s', (_title, asks, a, gpu) => {
  const snapshot = snapshotOf(nodes, placed);
  const said = verdicts(resourcesFilter, snapshot, pod({ name: 'x', ...asks }));
  expect(said).toEqual({ a, gpu });
});

test('a node with its number of pods takes no other', () => {
  const snapshot = snapshotOf(nodes, [...placed, { name: 'q', nodeName: 'a' }]);
  const said = verdicts(resourcesFilter, snapshot, pod({ name: 'x' }));
  expect(said).toEqual({ a: '0 room for pods free of 2, 1 asked', gpu: 'ok' });
});

test('an ended pod holds nothing', () => {
  const snapshot = snapshotOf(nodes, placed);
  const done = pod({ name: 'p', nodeName: 'a', requests: { cpu: '500m', memory: '1Gi' } });
  snapshot.setPod({ ...done, status: { phase: 'Succeeded' } });
  const asked = pod({ name: 'x', requests: { cpu: '2', memory: '2Gi' } });
  expect(verdicts(resourcesFilter, snapshot, asked)['a']).toBe('ok');
});
