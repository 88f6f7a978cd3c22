import * as fc from 'fast-check';
import type { NodeInput, PodInput } from '../input.js';

/** One step of random life in a cluster. */
export type Step =
  | { readonly type: 'node'; readonly node: NodeInput }
  | { readonly type: 'remove-node'; readonly name: string }
  | { readonly type: 'place'; readonly pod: PodInput }
  /** The `which`-th pod, modulo how many there are. */
  | { readonly type: 'confirm' | 'end' | 'remove' | 'forget'; readonly which: number };

const nodeNames = ['n0', 'n1', 'n2', 'n3', 'n4'] as const;
const apps = ['web', 'db', 'job'] as const;
const zones = ['a', 'b', 'c'] as const;

const labels = fc.record(
  {
    zone: fc.constantFrom(...zones),
    disk: fc.constantFrom('ssd', 'hdd'),
    cores: fc.constantFrom('2', '8', '16'),
  },
  { requiredKeys: [] },
);

const taint = fc.record({
  key: fc.constantFrom('dedicated', 'leaving'),
  value: fc.constantFrom('x', 'y'),
  effect: fc.constantFrom('NoSchedule', 'NoExecute', 'PreferNoSchedule'),
});

/** Sizes are few, so that many nodes are alike and share a group of the index. */
const node: fc.Arbitrary<NodeInput> = fc.record({
  metadata: fc.record({ name: fc.constantFrom(...nodeNames), labels }),
  spec: fc.record({
    unschedulable: fc.boolean(),
    taints: fc.array(taint, { maxLength: 1 }),
  }),
  status: fc.record({
    allocatable: fc.constantFrom(
      { cpu: 4, memory: 8000, pods: 5 },
      { cpu: 8, memory: 8000, pods: 8 },
      { cpu: 4, memory: 4000, pods: 8, 'example.com/gpu': 2 },
    ),
  }),
});

/** Cordons and taints are the exception, or nothing would ever fit. */
const mostlyOpenNode = fc.tuple(node, fc.nat(9)).map(([n, dice]) => ({
  ...n,
  metadata: { ...n.metadata, labels: { ...n.metadata.labels, host: n.metadata.name! } },
  spec: { unschedulable: dice === 0, taints: dice < 4 ? n.spec!.taints! : [] },
}));

const requests = fc.record(
  {
    cpu: fc.constantFrom(0, 1, 2, 3),
    memory: fc.constantFrom(500, 1000, 2500),
    'example.com/gpu': fc.constantFrom(1),
  },
  { requiredKeys: [] },
);

const requirement = fc.oneof(
  fc.record({
    key: fc.constantFrom('disk', 'zone'),
    operator: fc.constantFrom('In', 'NotIn'),
    values: fc.subarray(['ssd', 'a', 'b'], { minLength: 1 }),
  }),
  fc.record({ key: fc.constant('disk'), operator: fc.constantFrom('Exists', 'DoesNotExist') }),
  fc.record({
    key: fc.constant('cores'),
    operator: fc.constantFrom('Gt', 'Lt'),
    values: fc.constant(['8']),
  }),
);

const podTerm = fc.record(
  {
    labelSelector: fc.record({ matchLabels: fc.record({ app: fc.constantFrom(...apps) }) }),
    topologyKey: fc.constantFrom('zone', 'host'),
    namespaces: fc.constantFrom([], ['default', 'other']),
  },
  { requiredKeys: ['labelSelector', 'topologyKey'] },
);
const podTerms = fc.record({
  requiredDuringSchedulingIgnoredDuringExecution: fc.array(podTerm, { minLength: 1, maxLength: 2 }),
});

const affinity = fc.record(
  {
    nodeAffinity: fc.record({
      requiredDuringSchedulingIgnoredDuringExecution: fc.record({
        nodeSelectorTerms: fc.array(
          fc.record({ matchExpressions: fc.array(requirement, { maxLength: 2 }) }),
          { maxLength: 2 },
        ),
      }),
    }),
    podAffinity: podTerms,
    podAntiAffinity: podTerms,
  },
  { requiredKeys: [] },
);

const spread = fc.record(
  {
    maxSkew: fc.constantFrom(1, 2),
    topologyKey: fc.constantFrom('zone', 'host'),
    whenUnsatisfiable: fc.constantFrom('DoNotSchedule', 'ScheduleAnyway'),
    labelSelector: fc.record({ matchLabels: fc.record({ app: fc.constantFrom(...apps) }) }),
    minDomains: fc.constantFrom(1, 3),
    nodeAffinityPolicy: fc.constantFrom('Honor', 'Ignore'),
    nodeTaintsPolicy: fc.constantFrom('Honor', 'Ignore'),
  },
  { requiredKeys: ['maxSkew', 'topologyKey', 'whenUnsatisfiable', 'labelSelector'] },
);

const toleration = fc.record(
  {
    key: fc.constantFrom('dedicated', 'leaving'),
    operator: fc.constantFrom('Exists', 'Equal'),
    value: fc.constant('x'),
    effect: fc.constantFrom('NoSchedule', 'NoExecute'),
  },
  { requiredKeys: ['key', 'operator', 'value'] },
);

const wishes = fc.record(
  {
    nodeSelector: fc.record({ disk: fc.constantFrom('ssd', 'hdd') }),
    affinity,
    tolerations: fc.array(toleration, { maxLength: 2 }),
    topologySpreadConstraints: fc.array(spread, { minLength: 1, maxLength: 2 }),
    initContainers: fc.array(fc.record({ resources: fc.record({ requests }) }), { maxLength: 2 }),
    overhead: fc.constant({ memory: 100 }),
  },
  { requiredKeys: [] },
);

const port = fc.record({ hostPort: fc.constantFrom(80, 443) });
const container = fc.record({
  resources: fc.record({ requests }),
  ports: fc.oneof({ weight: 9, arbitrary: fc.constant([]) }, fc.array(port, { maxLength: 1 })),
});

let serial = 0;

/** Plain pods and constrained ones by halves, each with a uid of its own. */
export const podArbitrary: fc.Arbitrary<PodInput> = fc
  .record({
    namespace: fc.constantFrom('default', 'other'),
    app: fc.constantFrom(...apps),
    containers: fc.array(container, { minLength: 1, maxLength: 2 }),
    wishes: fc.oneof(fc.constant({}), wishes),
  })
  .map(({ namespace, app, containers, wishes: more }) => ({
    metadata: { name: `p${++serial}`, uid: `u${serial}`, namespace, labels: { app } },
    spec: { containers, ...more } as PodInput['spec'],
  }));

/** Small pods of one app under one hard spread: they fill zones until the counts decide. */
export const spreadPodArbitrary: fc.Arbitrary<PodInput> = fc
  .record({ requests, constraint: spread })
  .map(({ requests: asked, constraint }) => ({
    metadata: {
      name: `s${++serial}`,
      uid: `s${serial}`,
      namespace: 'default',
      labels: { app: 'web' },
    },
    spec: {
      containers: [{ resources: { requests: { ...asked, cpu: 0, 'example.com/gpu': 0 } } }],
      topologySpreadConstraints: [
        {
          ...constraint,
          whenUnsatisfiable: 'DoNotSchedule',
          labelSelector: { matchLabels: { app: 'web' } },
        },
      ],
    },
  }));

const stepsWith = (pods: fc.Arbitrary<PodInput>): fc.Arbitrary<Step> =>
  fc.oneof(
    { weight: 3, arbitrary: mostlyOpenNode.map((n) => ({ type: 'node' as const, node: n })) },
    {
      weight: 1,
      arbitrary: fc
        .constantFrom(...nodeNames)
        .map((name) => ({ type: 'remove-node' as const, name })),
    },
    { weight: 12, arbitrary: pods.map((pod) => ({ type: 'place' as const, pod })) },
    {
      weight: 5,
      arbitrary: fc.record({
        type: fc.constantFrom(
          'confirm' as const,
          'end' as const,
          'remove' as const,
          'forget' as const,
        ),
        which: fc.nat(50),
      }),
    },
  );

/** A life of up to this many steps, always with some nodes to begin with. */
export function lives(maxLength: number, pods = podArbitrary): fc.Arbitrary<Step[]> {
  const start = fc
    .array(mostlyOpenNode, { minLength: 2, maxLength: 5 })
    .map((nodes) => nodes.map((n) => ({ type: 'node' as const, node: n })));
  return fc
    .tuple(start, fc.array(stepsWith(pods), { minLength: 5, maxLength }))
    .map(([first, rest]) => [...first, ...rest]);
}
