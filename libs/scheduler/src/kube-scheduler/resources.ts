import { node, on, type Behaviour } from './behaviour.js';

const fit = 'NodeResourcesFit';
const overhead = 'concepts/scheduling-eviction/pod-overhead';
const sidecars = 'concepts/workloads/pods/sidecar-containers, resource sharing within containers';
const asking = (requests: Record<string, string>) => ({ resources: { requests } });
const two = [node('small', { offers: { cpu: '1' } }), node('large', { offers: { cpu: '8' } })];

export const resourceBehaviours: readonly Behaviour[] = [
  {
    source: `${fit}: a node must have room for the sum of requests`,
    title: 'cpu',
    nodes: two,
    pod: { requests: { cpu: '2' } },
    fits: 'large',
  },
  {
    source: `${fit}: exactly what is free is enough`,
    title: 'all that is left',
    nodes: two,
    placed: [on('large', 'p', { requests: { cpu: '6' } })],
    pod: { requests: { cpu: '2' } },
    fits: 'large',
  },
  {
    source: `${fit}: one thousandth too much is too much`,
    title: 'a little more than is left',
    nodes: two,
    placed: [on('large', 'p', { requests: { cpu: '6001m' } })],
    pod: { requests: { cpu: '2' } },
    fits: '',
  },
  {
    source: `${fit}: memory`,
    title: 'memory',
    nodes: [node('a', { offers: { memory: '1Gi' } }), node('b', { offers: { memory: '1G' } })],
    pod: { requests: { memory: '1Gi' } },
    fits: 'a',
  },
  {
    source: `${fit}: a pod without requests is admitted wherever a pod is`,
    title: 'no requests on a full node',
    nodes: [node('a', { offers: { cpu: '1' } })],
    placed: [on('a', 'p', { requests: { cpu: '1' } })],
    pod: {},
    fits: 'a',
  },
  {
    source: `${fit}: zero requests ask for nothing, not even that the resource exists`,
    title: 'a request of zero',
    nodes: [node('a')],
    pod: { requests: { 'example.com/gpu': '0', cpu: '0' } },
    fits: 'a',
  },
  {
    source: `${fit}: too many pods`,
    title: 'the number of pods',
    nodes: [node('a', { offers: { pods: '1' } }), node('b', { offers: { pods: '2' } })],
    placed: [on('a', 'p'), on('b', 'q')],
    pod: {},
    fits: 'b',
  },
  {
    source: `${fit}: ephemeral-storage`,
    title: 'scratch space',
    nodes: [node('a'), node('b', { offers: { 'ephemeral-storage': '10Gi' } })],
    pod: { requests: { 'ephemeral-storage': '5Gi' } },
    fits: 'b',
  },
  {
    source: `${fit}: extended resources`,
    title: 'an extended resource that only some have',
    nodes: [node('a'), node('b', { offers: { 'example.com/gpu': '2' } })],
    placed: [on('b', 'p', { requests: { 'example.com/gpu': '1' } })],
    pod: { requests: { 'example.com/gpu': '1' } },
    fits: 'b',
  },
  {
    source: `${fit}: extended resources`,
    title: 'an extended resource that is used up',
    nodes: [node('b', { offers: { 'example.com/gpu': '2' } })],
    placed: [on('b', 'p', { requests: { 'example.com/gpu': '2' } })],
    pod: { requests: { 'example.com/gpu': '1' } },
    fits: '',
  },
  {
    source: `${fit}: hugepages are resources of their own`,
    title: 'huge pages',
    nodes: [node('a'), node('b', { offers: { 'hugepages-2Mi': '64Mi' } })],
    pod: { requests: { 'hugepages-2Mi': '32Mi' } },
    fits: 'b',
  },
  {
    source: `${fit}: requests that are absent come from limits (core/v1 ResourceRequirements)`,
    title: 'only limits',
    nodes: two,
    pod: { containers: [{ resources: { limits: { cpu: '2' } } }] },
    fits: 'large',
  },
  {
    source: `${fit}: containers are added up`,
    title: 'two containers',
    nodes: two,
    pod: { containers: [asking({ cpu: '600m' }), asking({ cpu: '600m' })] },
    fits: 'large',
  },
  {
    source: `${fit}: max(sum of containers, each init container)`,
    title: 'an init container larger than the rest',
    nodes: two,
    pod: { containers: [asking({ cpu: '500m' })], initContainers: [asking({ cpu: '2' })] },
    fits: 'large',
  },
  {
    source: `${fit}: max(sum of containers, each init container)`,
    title: 'init containers run one after the other',
    nodes: two,
    pod: {
      containers: [asking({ cpu: '500m' })],
      initContainers: [asking({ cpu: '900m' }), asking({ cpu: '900m' })],
    },
    fits: 'small large',
  },
  {
    source: `${sidecars}: sidecars are added to the containers`,
    title: 'a sidecar',
    nodes: two,
    pod: {
      containers: [asking({ cpu: '600m' })],
      initContainers: [{ ...asking({ cpu: '600m' }), restartPolicy: 'Always' }],
    },
    fits: 'large',
  },
  {
    source: `${sidecars}: an init container runs beside the sidecars before it`,
    title: 'an init container after a sidecar',
    nodes: two,
    pod: {
      containers: [asking({ cpu: '100m' })],
      initContainers: [
        { ...asking({ cpu: '600m' }), restartPolicy: 'Always' },
        asking({ cpu: '600m' }),
      ],
    },
    fits: 'large',
  },
  {
    source: `${sidecars}: an init container runs beside the sidecars before it`,
    title: 'an init container before a sidecar',
    nodes: two,
    pod: {
      containers: [asking({ cpu: '100m' })],
      initContainers: [
        asking({ cpu: '600m' }),
        { ...asking({ cpu: '600m' }), restartPolicy: 'Always' },
      ],
    },
    fits: 'small large',
  },
  {
    source: `${fit}: hugepages that pods hold are gone`,
    title: 'hugepages that are taken',
    nodes: [
      node('a', { offers: { 'hugepages-2Mi': '64Mi' } }),
      node('b', { offers: { 'hugepages-2Mi': '64Mi' } }),
    ],
    placed: [on('a', 'p', { requests: { 'hugepages-2Mi': '48Mi' } })],
    pod: { requests: { 'hugepages-2Mi': '32Mi' } },
    fits: 'b',
  },
  {
    source: 'tasks/manage-hugepages: each size is a resource of its own',
    title: 'hugepages of another size',
    nodes: [
      node('a', { offers: { 'hugepages-2Mi': '2Gi' } }),
      node('b', { offers: { 'hugepages-1Gi': '2Gi' } }),
    ],
    pod: { requests: { 'hugepages-1Gi': '1Gi' } },
    fits: 'b',
  },
  {
    source: `${overhead}: overhead is added to the sum of requests`,
    title: 'overhead of a runtime class',
    nodes: two,
    pod: { requests: { cpu: '900m' }, overhead: { cpu: '200m' } },
    fits: 'large',
  },
  {
    source: `${overhead}: it is added after the maximum over init containers`,
    title: 'overhead beside an init container',
    nodes: two,
    pod: {
      containers: [asking({ cpu: '100m' })],
      initContainers: [asking({ cpu: '900m' })],
      overhead: { cpu: '200m' },
    },
    fits: 'large',
  },
  {
    source: `${overhead}: overhead of pods that are there counts too`,
    title: 'overhead of placed pods',
    nodes: [node('a', { offers: { cpu: '2' } })],
    placed: [on('a', 'p', { requests: { cpu: '1' }, overhead: { cpu: '500m' } })],
    pod: { requests: { cpu: '1' } },
    fits: '',
  },
  {
    source: `${fit}: pods that have ended take no room`,
    title: 'a node full of work that is done',
    nodes: [node('a', { offers: { cpu: '1' } })],
    placed: [on('a', 'p', { requests: { cpu: '1' }, phase: 'Succeeded' })],
    pod: { requests: { cpu: '1' } },
    fits: 'a',
  },
  {
    source: `${fit}: pods that are ending still take room`,
    title: 'a node whose pod is running',
    nodes: [node('a', { offers: { cpu: '1' } })],
    placed: [on('a', 'p', { requests: { cpu: '1' }, phase: 'Running' })],
    pod: { requests: { cpu: '1' } },
    fits: '',
  },
];
