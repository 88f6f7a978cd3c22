import type { PodFixture } from '../fixtures.js';
import { labelled, node, on, type Behaviour } from './behaviour.js';

const page = 'concepts/scheduling-eviction/topology-spread-constraints';
const a1 = labelled('a1', { zone: 'a', host: 'a1' });
const a2 = labelled('a2', { zone: 'a', host: 'a2' });
const b1 = labelled('b1', { zone: 'b', host: 'b1' });
const b2 = labelled('b2', { zone: 'b', host: 'b2' });
const nodes = [a1, a2, b1, b2];

const web = (nodeName: string, name: string, more: Partial<PodFixture> = {}) =>
  on(nodeName, name, { labels: { app: 'web' }, ...more });
const spread = (...constraints: object[]) => ({
  labels: { app: 'web' },
  topologySpreadConstraints: constraints.map((more) => ({
    maxSkew: 1,
    topologyKey: 'zone',
    whenUnsatisfiable: 'DoNotSchedule',
    labelSelector: { matchLabels: { app: 'web' } },
    ...more,
  })),
});

export const spreadBehaviours: readonly Behaviour[] = [
  {
    title: 'one constraint: 2 in a, 1 in b',
    source: `${page}: example: one topology spread constraint`,
    nodes,
    placed: [web('a1', 'p'), web('a2', 'q'), web('b1', 'r')],
    pod: spread({}),
    fits: 'b1 b2',
  },
  {
    title: 'a larger maxSkew',
    source: `${page}: maxSkew`,
    nodes,
    placed: [web('a1', 'p'), web('a2', 'q'), web('b1', 'r')],
    pod: spread({ maxSkew: 2 }),
    fits: 'a1 a2 b1 b2',
  },
  {
    title: 'two constraints are both needed',
    source: `${page}: example: multiple topology spread constraints`,
    nodes,
    placed: [web('a1', 'p'), web('a2', 'q'), web('b1', 'r')],
    pod: spread({}, { topologyKey: 'host' }),
    fits: 'b2',
  },
  {
    title: 'two constraints that contradict each other',
    source: `${page}: example: conflicting topology spread constraints`,
    nodes: [a1, a2, b1],
    placed: [web('a1', 'p'), web('a2', 'q'), web('b1', 'r'), web('b1', 's'), web('a1', 't')],
    pod: spread({}, { topologyKey: 'host' }),
    fits: '',
  },
  {
    title: 'a node without the label is passed over',
    source: `${page}: nodes without the topologyKey are bypassed`,
    nodes: [...nodes, node('bare')],
    pod: spread({}),
    fits: 'a1 a2 b1 b2',
  },
  {
    title: 'pods on nodes without the label are not counted',
    source: `${page}: pods located on such nodes do not impact maxSkew`,
    nodes: [a1, b1, node('bare')],
    placed: [web('bare', 'p'), web('bare', 'q')],
    pod: spread({}),
    fits: 'a1 b1',
  },
  {
    title: 'ScheduleAnyway keeps nobody off',
    source: `${page}: whenUnsatisfiable`,
    nodes,
    placed: [web('a1', 'p'), web('a1', 'q')],
    pod: spread({ whenUnsatisfiable: 'ScheduleAnyway' }),
    fits: 'a1 a2 b1 b2',
  },
  {
    title: 'ScheduleAnyway prefers what lowers the skew',
    source: `${page}: ScheduleAnyway tells the scheduler to still schedule it while prioritizing nodes that minimize the skew`,
    nodes,
    placed: [web('a1', 'p'), web('a1', 'q')],
    pod: { ...spread({ whenUnsatisfiable: 'ScheduleAnyway' }), requests: { cpu: '1' } },
    best: 'b1',
  },
  {
    title: 'only pods of the same namespace count',
    source: `${page}: only the pods holding the same namespace as the incoming pod can be matching candidates`,
    nodes,
    placed: [web('a1', 'p', { namespace: 'other' }), web('a2', 'q', { namespace: 'other' })],
    pod: spread({}),
    fits: 'a1 a2 b1 b2',
  },
  {
    title: 'a pod that does not match its own selector',
    source: `${page}: selfMatchNum`,
    nodes,
    placed: [web('a1', 'p')],
    pod: { ...spread({}), labels: { app: 'x' } },
    fits: 'a1 a2 b1 b2',
  },
  {
    title: 'a selector that is absent counts nobody',
    source: 'core/v1 TopologySpreadConstraint.labelSelector',
    nodes,
    placed: [web('a1', 'p'), web('a1', 'q')],
    pod: spread({ labelSelector: undefined }),
    fits: 'a1 a2 b1 b2',
  },
  {
    title: 'fewer domains than minDomains: the global minimum is 0',
    source: `${page}: minDomains`,
    nodes,
    placed: [web('a1', 'p'), web('b1', 'q')],
    pod: spread({ minDomains: 3 }),
    fits: '',
  },
  {
    title: 'as many domains as minDomains',
    source: `${page}: minDomains`,
    nodes,
    placed: [web('a1', 'p'), web('b1', 'q')],
    pod: spread({ minDomains: 2 }),
    fits: 'a1 a2 b1 b2',
  },
  {
    title: 'nodeAffinityPolicy Honor: nodes that the selector excludes do not count',
    source: `${page}: nodeAffinityPolicy, default Honor`,
    nodes: [a1, b1, labelled('c1', { zone: 'c', pool: 'x' })],
    placed: [web('a1', 'p'), web('b1', 'q')],
    pod: {
      ...spread({}),
      affinity: {
        nodeAffinity: {
          requiredDuringSchedulingIgnoredDuringExecution: {
            nodeSelectorTerms: [{ matchExpressions: [{ key: 'pool', operator: 'DoesNotExist' }] }],
          },
        },
      },
    },
    fits: 'a1 b1',
  },
  {
    title: 'nodeAffinityPolicy Ignore: they count, and the empty one holds the minimum',
    source: `${page}: nodeAffinityPolicy`,
    nodes: [a1, b1, labelled('c1', { zone: 'c', pool: 'x' })],
    placed: [web('a1', 'p'), web('b1', 'q')],
    pod: {
      ...spread({ nodeAffinityPolicy: 'Ignore' }),
      affinity: {
        nodeAffinity: {
          requiredDuringSchedulingIgnoredDuringExecution: {
            nodeSelectorTerms: [{ matchExpressions: [{ key: 'pool', operator: 'DoesNotExist' }] }],
          },
        },
      },
    },
    fits: '',
  },
  {
    title: 'nodeTaintsPolicy Ignore: tainted nodes count',
    source: `${page}: nodeTaintsPolicy, default Ignore`,
    nodes: [a1, { ...b1, taints: [{ key: 'k', effect: 'NoSchedule' }] }],
    placed: [web('a1', 'p')],
    pod: spread({}),
    fits: '',
  },
  {
    title: 'nodeTaintsPolicy Honor: tainted nodes do not count',
    source: `${page}: nodeTaintsPolicy`,
    nodes: [a1, { ...b1, taints: [{ key: 'k', effect: 'NoSchedule' }] }],
    placed: [web('a1', 'p')],
    pod: spread({ nodeTaintsPolicy: 'Honor' }),
    fits: 'a1',
  },
  {
    title: 'nodeAffinityPolicy Honor goes by nodeSelector too',
    source: `${page}: nodeAffinityPolicy, nodeAffinity/nodeSelector`,
    nodes: [labelled('a1', { zone: 'a', pool: 'y' }), labelled('b1', { zone: 'b', pool: 'x' })],
    placed: [web('a1', 'p')],
    pod: { ...spread({}), nodeSelector: { pool: 'y' } },
    fits: 'a1',
  },
  {
    title: 'nodeTaintsPolicy Honor: a tainted node counts for a pod that tolerates it',
    source: `${page}: nodeTaintsPolicy, tainted nodes for which the incoming pod has a toleration`,
    nodes: [a1, { ...b1, taints: [{ key: 'k', effect: 'NoSchedule' }] }],
    placed: [web('a1', 'p')],
    pod: {
      ...spread({ nodeTaintsPolicy: 'Honor' }),
      tolerations: [{ key: 'k', operator: 'Exists' }],
    },
    fits: 'b1',
  },
  {
    title: 'minDomains counts only domains of nodes that count',
    source: `${page}: minDomains, eligible domains`,
    nodes: [a1, b1, labelled('c1', { zone: 'c', pool: 'x' })],
    placed: [web('a1', 'p'), web('b1', 'q'), web('c1', 'r')],
    pod: {
      ...spread({ minDomains: 3 }),
      affinity: {
        nodeAffinity: {
          requiredDuringSchedulingIgnoredDuringExecution: {
            nodeSelectorTerms: [{ matchExpressions: [{ key: 'pool', operator: 'DoesNotExist' }] }],
          },
        },
      },
    },
    fits: '',
  },
  {
    title: 'matchLabelKeys: each revision is spread by itself',
    source: `${page}: matchLabelKeys`,
    nodes,
    placed: [
      web('a1', 'p', { labels: { app: 'web', rev: '1' } }),
      web('a2', 'q', { labels: { app: 'web', rev: '1' } }),
    ],
    pod: { ...spread({ matchLabelKeys: ['rev'] }), labels: { app: 'web', rev: '2' } },
    fits: 'a1 a2 b1 b2',
  },
  {
    title: 'matchLabelKeys: a key that the pod lacks is left out',
    source: `${page}: keys that don't exist in the pod labels will be ignored`,
    nodes,
    placed: [web('a1', 'p'), web('a2', 'q')],
    pod: spread({ matchLabelKeys: ['rev'] }),
    fits: 'b1 b2',
  },
  {
    title: 'pods that have ended are not counted',
    source: 'PodTopologySpread',
    nodes,
    placed: [web('a1', 'p', { phase: 'Failed' }), web('a2', 'q')],
    pod: spread({}),
    fits: 'b1 b2',
  },
  {
    title: 'a hard spread among zones that fit puts the pod where there are fewest',
    source: 'PodTopologySpread',
    nodes,
    placed: [web('a1', 'p'), web('b1', 'q'), web('b2', 'r')],
    pod: { ...spread({ maxSkew: 3 }), requests: { cpu: '1' } },
    best: 'a1',
    differs:
      'hard constraints have no score there; ours lets zone balance outrank packing, since packing strands pods',
  },
];
