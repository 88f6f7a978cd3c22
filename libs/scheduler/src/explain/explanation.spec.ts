import { expect, test } from 'vitest';
import { pod, snapshotOf, type NodeFixture, type PodFixture } from '../fixtures.js';
import { Scheduler } from '../scheduler.js';

const small = (name: string, free: string): NodeFixture => ({ name, offers: { memory: free } });

const cases: [title: string, nodes: NodeFixture[], asks: Partial<PodFixture>, message: string][] = [
  [
    'the largest free amount and the cordoned node are named',
    [small('node-a', '1Gi'), small('node-b', '1229Mi'), { name: 'node-c', cordoned: true }],
    { requests: { memory: '2Gi' } },
    '0 of 3 nodes fit: 2 have too little memory (largest free 1.2Gi on node-b, 2Gi asked), 1 is cordoned; lower the memory request to 1.2Gi or uncordon node-c',
  ],
  ['no node at all', [], {}, 'no node has joined the cluster yet; join one'],
  [
    'a taint is named as kubectl writes it',
    [{ name: 'n', taints: [{ key: 'dedicated', value: 'db', effect: 'NoSchedule' }] }],
    {},
    '0 of 1 node fits: 1 has taint dedicated=db:NoSchedule that the pod does not tolerate; tolerate taint dedicated=db:NoSchedule to allow n',
  ],
  [
    'a lost node is told as such',
    [{ name: 'n', taints: [{ key: 'node.kubernetes.io/unreachable', effect: 'NoExecute' }] }],
    {},
    '0 of 1 node fits: 1 is unreachable; bring n back',
  ],
  [
    'a label that is missing',
    [{ name: 'n' }],
    { nodeSelector: { disk: 'ssd' } },
    '0 of 1 node fits: 1 does not match node selector disk=ssd; label n with disk=ssd',
  ],
  [
    'several shortages on one node are cut together',
    [{ name: 'n', offers: { cpu: '1', memory: '1Gi' } }],
    { requests: { cpu: '2', memory: '4Gi' } },
    '0 of 1 node fits: 1 has too little cpu (largest free 1 on n, 2 asked); lower the requests (cpu to 1, memory to 1Gi) to fit n',
  ],
  [
    'nothing but another node helps',
    [{ name: 'n', cordoned: true, offers: { cpu: '1' } }],
    { requests: { cpu: '2', 'nvidia.com/gpu': 1 } },
    '0 of 1 node fits: 1 is cordoned; add a node with 2 cpu and 1 nvidia.com/gpu free',
  ],
];

test.each(cases)('%s', (_title, nodes, asks, message) => {
  const scheduler = new Scheduler(snapshotOf(nodes));
  expect(scheduler.explain(pod({ name: 'x', ...asks })).message).toBe(message);
});

test('every reason of every node is told', () => {
  const nodes = [{ name: 'n', cordoned: true, offers: { cpu: '1' } }, { name: 'ok' }];
  const scheduler = new Scheduler(snapshotOf(nodes));
  const { nodes: told } = scheduler.explain(pod({ name: 'x', requests: { cpu: '2' } }));
  expect(told).toEqual([
    { name: 'n', fits: false, reasons: ['is cordoned', '1 cpu free of 1, 2 asked'] },
    { name: 'ok', fits: true, reasons: [], score: expect.any(Number) },
  ]);
});

test('a running pod is looked at as if it were not there, and stays', () => {
  const placed = { name: 'x', requests: { cpu: '4' }, nodeName: 'b' };
  const snapshot = snapshotOf([{ name: 'a' }, { name: 'b' }], [placed]);
  const { message, nodes } = new Scheduler(snapshot).explain(pod(placed));
  expect(message).toBe(
    'bound to b: number 2 today of 2 of 2 nodes that fit, by profile bin-pack; a would now be first',
  );
  expect(nodes.map((n) => n.fits)).toEqual([true, true]);
  expect(snapshot.pod('uid-default-x')?.assumed).toBe(false);
});
