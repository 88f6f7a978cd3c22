import { expect, test, vi } from 'vitest';
import { EventKind, PodKind, type Pod } from '@gantry/api';
import { HollowNodes } from '@gantry/testing';
import { TestCluster } from '../controllers/testing/cluster.js';

const pod = (name: string, ...gates: string[]) => ({
  metadata: { name, namespace: 'default' },
  spec: {
    containers: [{ name: 'c', image: 'web:1' }],
    schedulingGates: gates.map((each) => ({ name: each })),
  },
});

test('a gated pod is not tried and says so; it is bound when its last gate is gone', async () => {
  await using cluster = await new TestCluster({
    nodes: (objects) => new HollowNodes({ objects }),
  }).start();
  await cluster.nodes.connect({ name: 'a' });
  const { status } = await cluster.create<Pod>(PodKind, pod('gated', 'quota', 'review'));
  expect(status?.conditions).toEqual([
    expect.objectContaining({ type: 'PodScheduled', status: 'False', reason: 'SchedulingGated' }),
  ]);
  await cluster.create(PodKind, pod('free'));
  const get = (name: string): Promise<Pod> => cluster.resources.get(PodKind, 'default', name);
  const open = (...left: string[]) =>
    cluster.resources.mutate(PodKind, 'default', 'gated', (current) => {
      current.spec.schedulingGates = left.map((name) => ({ name }));
      return current;
    });
  await open('review');
  await vi.waitFor(async () => expect((await get('free')).spec.nodeName).toBe('a'));
  expect((await get('gated')).spec.nodeName).toBeUndefined();
  expect(cluster.loop.queue.depths).toEqual({ active: 0, backoff: 0, unschedulable: 0 });
  await expect(open('review', 'late')).rejects.toThrow('only removals');
  await open();
  await vi.waitFor(async () => expect((await get('gated')).spec.nodeName).toBe('a'));
  const { conditions } = (await get('gated')).status!;
  expect(conditions?.filter(({ type }) => type === 'PodScheduled')).toEqual([
    expect.objectContaining({ status: 'True' }),
  ]);
  const failures = (await cluster.list(EventKind)).filter((e) => e.reason === 'FailedScheduling');
  expect(failures).toEqual([]);
});
