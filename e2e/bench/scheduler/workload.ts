import { Snapshot, type NodeInput, type PodHandle, type PodInput } from '@gantry/scheduler';
import { Random, WeightedChoice } from './random.ts';
import { machines, pods, type Shape } from './shapes.ts';

/** `plain`: resources only. `constrained`: taints, affinity, hard zone spread, anti-affinity, and plain ones. */
export type Sort = 'plain' | 'constrained';

/** A cluster to fill, and the pods that come to it. */
export interface Workload {
  readonly snapshot: Snapshot;
  /** The next pod, as the queue holds it. */
  readonly arrival: (random: Random) => PodHandle;
}

/** How much smaller than those of the trace small pods are. */
const smaller = 8;
const zones = ['a', 'b', 'c'];
const hostname = 'kubernetes.io/hostname';
const zone = 'topology.kubernetes.io/zone';
const dedicated = { key: 'dedicated', value: 'db', effect: 'NoSchedule' };

/** One node in ten is tainted, three in ten have fast disks; a third stands in each zone. */
function node(index: number, shape: Shape): NodeInput {
  const isTainted = index % 10 === 0;
  const labels = {
    [hostname]: `node-${index}`,
    [zone]: zones[index % zones.length]!,
    disk: index % 10 >= 7 ? 'ssd' : 'hdd',
    ...(isTainted ? { pool: 'db' } : {}),
  };
  const allocatable = {
    cpu: `${shape.cpuMillis}m`,
    memory: `${shape.memoryMebibytes}Mi`,
    pods: '110',
  };
  return {
    metadata: { name: `node-${index}`, labels },
    spec: { taints: isTainted ? [dedicated] : [] },
    status: { allocatable },
  };
}

type Wishes = Omit<PodInput['spec'], 'containers'>;

const term = (app: string, topologyKey: string) => ({
  labelSelector: { matchLabels: { app } },
  topologyKey,
});

/** What the pods of one service ask for beside resources, by turns. */
const wishes: readonly ((app: string) => Wishes)[] = [
  () => ({}),
  (app) => ({
    topologySpreadConstraints: [
      { ...term(app, zone), maxSkew: 1, whenUnsatisfiable: 'DoNotSchedule' },
    ],
  }),
  (app) => ({
    affinity: {
      podAntiAffinity: { requiredDuringSchedulingIgnoredDuringExecution: [term(app, hostname)] },
    },
  }),
  () => ({
    affinity: {
      nodeAffinity: {
        requiredDuringSchedulingIgnoredDuringExecution: {
          nodeSelectorTerms: [
            { matchExpressions: [{ key: 'disk', operator: 'In', values: ['ssd'] }] },
          ],
        },
        preferredDuringSchedulingIgnoredDuringExecution: [
          {
            weight: 50,
            preference: { matchExpressions: [{ key: zone, operator: 'In', values: ['a'] }] },
          },
        ],
      },
    },
  }),
  () => ({ nodeSelector: { pool: 'db' }, tolerations: [{ key: 'dedicated', operator: 'Exists' }] }),
];

function pod(app: string, shape: Shape, spec: Wishes): PodInput {
  const requests = { cpu: `${shape.cpuMillis}m`, memory: `${shape.memoryMebibytes}Mi` };
  return {
    metadata: { name: app, namespace: 'default', labels: { app } },
    spec: { containers: [{ resources: { requests } }], ...spec },
  };
}

/** As `workload` when plain, with pods so small that twenty and more go on each node. */
export function smallWorkload(nodeCount: number, seed: number): Workload {
  return build('plain', nodeCount, seed, (shape) => ({
    ...shape,
    cpuMillis: Math.ceil(shape.cpuMillis / smaller),
    memoryMebibytes: Math.ceil(shape.memoryMebibytes / smaller),
  }));
}

/** One service for every 20 nodes; each has pods of one size and, when constrained, one sort of wishes. */
export function workload(sort: Sort, nodeCount: number, seed: number): Workload {
  return build(sort, nodeCount, seed, (shape) => shape);
}

function build(
  sort: Sort,
  nodeCount: number,
  seed: number,
  resize: (shape: Shape) => Shape,
): Workload {
  const random = new Random(seed);
  const snapshot = new Snapshot();
  const machine = new WeightedChoice(machines, (shape) => shape.count);
  for (let i = 0; i < nodeCount; i++) snapshot.setNode(node(i, machine.draw(random)));
  const size = new WeightedChoice(pods, (shape) => shape.count);
  const services = Array.from({ length: Math.ceil(nodeCount / 20) }, (_, i) => {
    const app = `service-${i}`;
    const wish = sort === 'plain' ? {} : wishes[i % wishes.length]!(app);
    return snapshot.handle(pod(app, resize(size.draw(random)), wish));
  });
  return { snapshot, arrival: (next) => services[next.below(services.length)]! };
}
