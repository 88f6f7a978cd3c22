import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { node, pod, snapshotOf, type PodFixture } from '../fixtures.js';
import { profiles } from '../profile.js';
import { Snapshot } from '../snapshot.js';
import { shapedNode, simulate } from './simulate.js';
import { sizeFor } from './sizing.js';

const options = { profile: profiles['bin-pack'] };
const asked = (fixtures: PodFixture[]) => fixtures.map((fixture) => ({ pod: pod(fixture) }));
const web = (i: number, cpu: string, more: Partial<PodFixture> = {}): PodFixture => ({
  name: `web-${i}`,
  requests: { cpu },
  ...more,
});

test('places what fits, explains what does not, the important first', () => {
  const snapshot = snapshotOf([{ name: 'n', offers: { cpu: '3' } }]);
  const pods = asked([web(0, '2'), web(1, '2'), web(2, '1', { priority: 10 })]);
  const { placed, refused } = simulate(snapshot, pods, options);
  expect(placed.map((p) => [p.pod.metadata.name, p.node])).toEqual([
    ['web-2', 'n'],
    ['web-0', 'n'],
  ]);
  expect(refused).toEqual([
    {
      pod: pods[1]!.pod,
      message: expect.stringContaining('1 has too little cpu'),
      changes: ['add a node with 2 cpu free'],
    },
  ]);
});

test('preempts as the loop does, and says whom', () => {
  const placed = { name: 'old', requests: { cpu: '4' }, nodeName: 'n', priority: 1 };
  const snapshot = snapshotOf([{ name: 'n' }], [placed]);
  const tenants = () => new Map([['uid-default-old', { startMs: 0, isEnding: false }]]);
  const pods = asked([web(0, '3', { priority: 5 })]);
  const result = simulate(snapshot, pods, { ...options, preemption: { tenants, budgets: [] } });
  expect(result.preempted).toEqual([{ uid: 'uid-default-old', node: 'n', by: pods[0]!.pod }]);
  expect(result.placed.map((p) => p.node)).toEqual(['n']);
});

test('a daemon goes to every node where it belongs and is refused where it lacks room', () => {
  const taints = [{ key: 'dedicated', value: 'db', effect: 'NoSchedule' }];
  const snapshot = snapshotOf([
    { name: 'a' },
    { name: 'b', taints },
    { name: 'c', offers: { cpu: '0' } },
  ]);
  const pods = ['a', 'b', 'c'].map((onNode, i) => ({ pod: pod(web(i, '1')), onNode }));
  const { placed, refused } = simulate(snapshot, pods, options);
  expect(placed.map((p) => p.node)).toEqual(['a']);
  expect(refused.map((r) => r.message)).toEqual(['does not fit on c: has no cpu, 1 asked']);
});

test('as many nodes as are needed and no more, whatever the pods', () => {
  const pods = fc.array(fc.constantFrom('500m', '1', '2', '3', '5'), {
    minLength: 1,
    maxLength: 40,
  });
  fc.assert(
    fc.property(pods, (sizes) => {
      const all = asked(sizes.map((cpu, i) => web(i, cpu)));
      const shape = (i: number) => shapedNode(`new-${i}`, { cpu: '4', memory: '8Gi' });
      const sizing = sizeFor(all, { ...options, start: () => new Snapshot(), node: shape });
      const fitting = sizes.filter((cpu) => cpu !== '5').length;
      expect(sizing.result.placed).toHaveLength(fitting);
      expect(sizing.nodes).toBeGreaterThanOrEqual(sizing.atLeast);
      if (sizing.nodes === 0) return;
      const fewer = new Snapshot();
      for (let i = 0; i < sizing.nodes - 1; i++) fewer.setNode(shape(i));
      expect(simulate(fewer, all, options).placed.length).toBeLessThan(fitting);
    }),
    { numRuns: 60 },
  );
});

test('what the cluster has is used before new nodes are asked for', () => {
  const start = () => {
    const snapshot = new Snapshot();
    snapshot.setNode(node({ name: 'n' }));
    return snapshot;
  };
  const all = asked([web(0, '4'), web(1, '4')]);
  const shape = (i: number) => shapedNode(`new-${i}`, { cpu: '4', memory: '8Gi' });
  expect(sizeFor(all, { ...options, start, node: shape })).toMatchObject({ nodes: 1, atLeast: 0 });
});
