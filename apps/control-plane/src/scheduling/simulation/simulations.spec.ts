import { expect, test } from 'vitest';
import { NodeKind, PodKind } from '@gantry/api';
import { HollowNodes } from '@gantry/testing';
import { TestCluster } from '../../controllers/testing/cluster.js';
import { simulationResource } from './simulations.js';

const startCluster = () =>
  new TestCluster({ nodes: (objects) => new HollowNodes({ objects }) }).start();

const template = (cpu: string, more: object = {}) => ({
  metadata: { labels: { app: 'web' } },
  spec: { containers: [{ name: 'c', image: 'web:1', resources: { requests: { cpu } } }], ...more },
});

const deployment = (name: string, replicas: number, cpu: string, more: object = {}) => ({
  apiVersion: 'apps/v1',
  kind: 'Deployment',
  metadata: { name },
  spec: { replicas, template: template(cpu, more) },
});

interface Status {
  readonly fits: boolean;
  readonly placements: { pod: string; node: string }[];
  readonly [other: string]: unknown;
}

async function ask(cluster: TestCluster<HollowNodes>, spec: object): Promise<Status> {
  const resource = simulationResource({ resources: cluster.resources });
  const body = { apiVersion: 'gantry.dev/v1', kind: 'Simulation', spec };
  const { json } = (await resource.handle({ method: 'POST', body } as never)) as {
    json: { status: Status };
  };
  return json.status;
}

const big = { allocatable: { cpu: '8', memory: '32Gi' } };

test('manifests are tried on the living cluster, and nothing of it is stored', async () => {
  await using cluster = await startCluster();
  await cluster.nodes.connect({ name: 'a' });
  await expect
    .poll(() => ask(cluster, { objects: [deployment('web', 3, '1')] }))
    .toMatchObject({ fits: true, pods: 3 });
  const objects = [deployment('web', 5, '1'), { kind: 'Service', metadata: { name: 's' } }];
  const status = await ask(cluster, { objects, namespace: 'shop' });
  expect(status).toMatchObject({
    fits: false,
    placements: [0, 1, 2, 3].map((i) => ({ pod: `shop/web-${i}`, node: 'a' })),
    refused: [{ pod: 'shop/web-4', message: expect.stringContaining('1 has too little cpu') }],
    nodes: [{ name: 'a', placed: 4, requested: { cpu: '4' } }],
    ignored: ['Service/s'],
  });
  expect(await cluster.list(PodKind)).toEqual([]);
});

test('says how many nodes of each shape are needed, without and beside the cluster', async () => {
  await using cluster = await startCluster();
  await cluster.nodes.connect({ name: 'a' });
  const objects = [deployment('web', 20, '1')];
  const small = { allocatable: { cpu: '2', memory: '4Gi' } };
  const alone = await ask(cluster, { objects, nodes: [big, small] });
  expect(alone['sizings']).toEqual([
    { ...big, nodes: 3, atLeast: 3, refused: 0 },
    { ...small, nodes: 10, atLeast: 10, refused: 0 },
  ]);
  await expect
    .poll(async () => (await ask(cluster, { objects, nodes: [big], beside: true }))['sizings'])
    .toEqual([{ ...big, nodes: 2, atLeast: 0, refused: 0 }]);
  const exactly = await ask(cluster, { objects, nodes: [{ ...big, count: 2 }] });
  expect(exactly).toMatchObject({ fits: false, nodeCount: 2, placements: { length: 16 } });
});

test('a dump stands for the cluster; whom important pods would preempt is told', async () => {
  await using cluster = await startCluster();
  const dump = [
    {
      kind: 'Node',
      metadata: { name: 'n' },
      status: {
        allocatable: { cpu: '4', pods: '9' },
        conditions: [{ type: 'Ready', status: 'True' }],
      },
    },
    {
      kind: 'Pod',
      metadata: { name: 'old', namespace: 'x', uid: 'u' },
      spec: { nodeName: 'n', ...template('4').spec },
    },
    { kind: 'PriorityClass', metadata: { name: 'high' }, value: 100 },
  ];
  const objects = [deployment('web', 1, '3', { priorityClassName: 'high' })];
  expect(await ask(cluster, { objects, cluster: dump })).toMatchObject({
    fits: true,
    placements: [{ pod: 'default/web-0', node: 'n' }],
    preempted: [{ pod: 'x/old', node: 'n', by: 'default/web-0' }],
  });
});

const faults: [title: string, spec: object, message: string][] = [
  ['no manifests', {}, 'no manifest makes pods'],
  ['an unknown field', { object: [] }, 'spec.object: unknown field'],
  ['no list', { objects: 7 }, 'spec.objects: must be a list of objects'],
  ['no object', { objects: [7] }, 'spec.objects[0]: must be an object with kind'],
  [
    'a wrong amount',
    { nodes: [{ allocatable: { cpu: 'many' } }] },
    'spec.nodes[0].allocatable.cpu',
  ],
  ['a wrong count', { nodes: [{ ...big, count: 0 }] }, 'spec.nodes[0].count: must be a whole'],
  [
    'no template',
    { objects: [{ kind: 'Job', metadata: { name: 'j' }, spec: {} }] },
    'Job "j": spec.template is missing',
  ],
  ['an invalid pod', { objects: [deployment('web', 1, 'lots')] }, 'Deployment "web": '],
  ['too many pods', { objects: [deployment('web', 1e9, '1')] }, 'a number of pods from 0 to 20000'],
  [
    'an unknown class',
    { objects: [deployment('web', 1, '1', { priorityClassName: 'x' })] },
    'no PriorityClass with name x',
  ],
  [
    'a mistyped dump',
    {
      objects: [deployment('web', 1, '1')],
      cluster: [{ kind: 'Node', metadata: { name: 'n' }, spec: { taints: 'none' } }],
    },
    'spec.taints',
  ],
];

test('faults name the field or the manifest', async () => {
  await using cluster = await startCluster();
  await cluster.create(NodeKind, { metadata: { name: 'n' } });
  for (const [title, spec, message] of faults) {
    await expect(ask(cluster, spec), title).rejects.toThrow(message);
  }
});
