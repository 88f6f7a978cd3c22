import { beforeEach, expect, test } from 'vitest';
import type { Pod } from '@gantry/api';
import { Informers, ObjectStore } from '@gantry/controller';
import { Scheduler, Snapshot, uidOf, type ClusterEvent } from '@gantry/scheduler';
import { EmbeddedStore } from '@gantry/store';
import { ManualClock } from '@gantry/testing';
import { Gangs } from './gangs.js';
import { SchedulingQueue } from './scheduling-queue.js';

let clock: ManualClock;
let scheduler: Scheduler;
let queue: SchedulingQueue;
let attempts: string[];

const { signal } = new AbortController();

const pod = (name: string, cpu = '1', more: object = {}, labels = {}): Pod => ({
  metadata: { name, namespace: 'default', uid: name, labels },
  spec: { containers: [{ name: 'c', resources: { requests: { cpu } } }], ...more },
});

const node = (name: string, cpu: string, labels = {}) => ({
  metadata: { name, labels },
  status: { allocatable: { cpu, memory: '8Gi', pods: '2000' } },
});

beforeEach(() => {
  clock = new ManualClock();
  scheduler = new Scheduler(new Snapshot());
  attempts = [];
  const gangs = new Gangs(new Informers(new ObjectStore(new EmbeddedStore())));
  queue = new SchedulingQueue({ clock, scheduler, gangs, assembling: () => undefined });
});

function happened(event: ClusterEvent): void {
  queue.happened(event);
}

/** Decides on all that is active, as the loop does; bindings succeed. */
async function settle(): Promise<void> {
  while (queue.depths.active > 0) {
    for (const unit of await queue.take(10, signal)) {
      const [each] = unit.pods.values();
      attempts.push(each!.metadata.name!);
      const { node: chosen } = scheduler.place(each!);
      if (chosen === undefined) {
        queue.failed(unit);
        continue;
      }
      happened({ type: 'pod-placed', node: chosen, pod: scheduler.snapshot.handle(each!) });
      queue.succeeded(unit);
      queue.settled(unit, [each!]);
    }
  }
}

function addNode(name: string, cpu: string, labels = {}): void {
  scheduler.snapshot.setNode(node(name, cpu, labels));
  happened({ type: 'node-added', node: name });
}

function end(name: string): void {
  const placed = scheduler.snapshot.pod(name)!;
  scheduler.snapshot.removePod(name);
  happened({ type: 'pod-left', node: placed.nodeName, pod: placed });
}

test('a thousand equal pods wait: a place that comes free costs two attempts, not a thousand', async () => {
  addNode('n', '1');
  for (let i = 0; i < 1_000; i++) queue.offer(pod(`p${i}`), true);
  await settle();
  expect(attempts).toHaveLength(1_000);
  clock.advance(60_000);
  attempts = [];
  end('p0');
  await settle();
  expect(attempts.length).toBeLessThanOrEqual(3);
  expect(scheduler.snapshot.podCount).toBe(1);
  expect(queue.depths).toMatchObject({ active: 0 });
});

test('and room for all of them is filled by all of them', async () => {
  for (let i = 0; i < 1_000; i++) queue.offer(pod(`p${i}`), true);
  await settle();
  clock.advance(60_000);
  attempts = [];
  addNode('n', '1000');
  await settle();
  expect(scheduler.snapshot.podCount).toBe(1_000);
  expect(attempts).toHaveLength(1_000);
});

test.each<[string, Pod, () => void, boolean]>([
  ['a node that is large enough', pod('x', '4'), () => addNode('new', '4'), true],
  ['a node that is too small', pod('x', '4'), () => addNode('new', '3'), false],
  [
    'a node without the label',
    pod('x', '1', { nodeSelector: { disk: 'ssd' } }),
    () => addNode('new', '8'),
    false,
  ],
  [
    'a node with the label',
    pod('x', '1', { nodeSelector: { disk: 'ssd' } }),
    () => addNode('new', '8', { disk: 'ssd' }),
    true,
  ],
  ['a pod that leaves too little', pod('x', '4'), () => end('small'), false],
  ['a pod that leaves enough', pod('x', '2'), () => end('large'), true],
])('%s: woken only if that helps', async (_title, waiting, act, wakes) => {
  addNode('n', '3');
  for (const each of [pod('small', '1'), pod('large', '2')]) queue.offer(each, true);
  await settle();
  queue.offer(waiting, true);
  await settle();
  clock.advance(20_000);
  attempts = [];
  act();
  await settle();
  expect(attempts).toEqual(wakes ? ['x'] : []);
});

test('a pod that waits for another is woken when that one is placed, and only then', async () => {
  addNode('n', '3', { zone: 'a' });
  const near = {
    affinity: {
      podAffinity: {
        requiredDuringSchedulingIgnoredDuringExecution: [
          { labelSelector: { matchLabels: { app: 'db' } }, topologyKey: 'zone' },
        ],
      },
    },
  };
  queue.offer(pod('web', '1', near), true);
  await settle();
  clock.advance(20_000);
  attempts = [];
  queue.offer(pod('other', '1', {}, { app: 'cache' }), true);
  await settle();
  expect(attempts).toEqual(['other']);
  queue.offer(pod('db', '1', {}, { app: 'db' }), true);
  await settle();
  expect(attempts).toEqual(['other', 'db', 'web']);
});

test('back-off doubles from one second to ten, and a change of the pod itself respects it', async () => {
  addNode('n', '1');
  queue.offer(pod('x', '4'), true);
  const waits: number[] = [];
  for (let i = 0; i < 6; i++) {
    await settle();
    const before = clock.now();
    queue.offer(pod('x', '4', {}, { try: `${i}` }), true);
    while (queue.depths.active === 0) clock.advance(500);
    waits.push((clock.now() - before) / 1_000);
  }
  expect(waits).toEqual([1, 2, 4, 8, 10, 10]);
  expect(attempts).toHaveLength(6);
});

test('what nobody woke is tried again after five minutes', async () => {
  queue.offer(pod('x'), true);
  await settle();
  clock.advance(299_000);
  expect(queue.depths.active).toBe(0);
  clock.advance(1_000);
  expect(queue.depths.active).toBe(1);
});

test('a pod that is gone leaves nothing behind, and another of its kind takes over its turn', async () => {
  addNode('n', '1');
  for (const name of ['p0', 'p1', 'p2']) queue.offer(pod(name), true);
  await settle();
  clock.advance(60_000);
  attempts = [];
  end('p0');
  // p1 was woken for the place and is deleted before it is decided on.
  queue.remove(pod('p1'));
  await settle();
  expect(attempts).toEqual(['p2']);
  expect(scheduler.snapshot.pod(uidOf(pod('p2')))).toBeDefined();
  queue.clear();
  expect(clock.pending).toBe(0);
});

test('PrioritySort: higher priorities first, then who came first', async () => {
  for (const [name, priority] of [
    ['a', 0],
    ['b', 10],
    ['c', 0],
    ['d', 10],
    ['e', -5],
  ] as const) {
    queue.offer(pod(name, '1', { priority }), true);
  }
  const units = await queue.take(10, signal);
  const names = units.flatMap(({ pods }) => [...pods.values()].map((p) => p.metadata.name));
  expect(names).toEqual(['b', 'd', 'a', 'c', 'e']);
});
