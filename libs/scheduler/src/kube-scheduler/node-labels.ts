import { labelled, node, on, type Behaviour } from './behaviour.js';

const page = 'concepts/scheduling-eviction/assign-pod-node';
const nodes = [
  labelled('ssd8', { disk: 'ssd', cores: '8', zone: 'a' }),
  labelled('hdd16', { disk: 'hdd', cores: '16', zone: 'b' }),
  labelled('plain', { cores: 'many' }),
];
const all = 'ssd8 hdd16 plain';

const term = (key: string, operator: string, values?: string[]) => ({
  matchExpressions: [{ key, operator, ...(values ? { values } : {}) }],
});
const required = (...nodeSelectorTerms: object[]) => ({
  affinity: {
    nodeAffinity: {
      requiredDuringSchedulingIgnoredDuringExecution: { nodeSelectorTerms },
    },
  },
});
const preferred = (...terms: [number, object][]) => ({
  affinity: {
    nodeAffinity: {
      preferredDuringSchedulingIgnoredDuringExecution: terms.map(([weight, preference]) => ({
        weight,
        preference,
      })),
    },
  },
});

type Row = [title: string, source: string, pod: Behaviour['pod'], fits: string];

const rows: Row[] = [
  ['nodeSelector: one label', `${page}: nodeSelector`, { nodeSelector: { disk: 'ssd' } }, 'ssd8'],
  [
    'nodeSelector: all labels must be there',
    `${page}: nodeSelector`,
    { nodeSelector: { disk: 'ssd', zone: 'b' } },
    '',
  ],
  ['nodeSelector: empty asks for nothing', 'NodeAffinity', { nodeSelector: {} }, all],
  ['In', `${page}: operators`, required(term('disk', 'In', ['ssd'])), 'ssd8'],
  [
    'In with several values',
    `${page}: operators`,
    required(term('disk', 'In', ['ssd', 'hdd'])),
    'ssd8 hdd16',
  ],
  [
    'NotIn matches nodes without the label',
    `${page}: operators`,
    required(term('disk', 'NotIn', ['ssd'])),
    'hdd16 plain',
  ],
  ['Exists', `${page}: operators`, required(term('zone', 'Exists')), 'ssd8 hdd16'],
  ['DoesNotExist', `${page}: operators`, required(term('zone', 'DoesNotExist')), 'plain'],
  [
    'Gt compares whole numbers',
    `${page}: operators`,
    required(term('cores', 'Gt', ['8'])),
    'hdd16',
  ],
  [
    'Lt compares whole numbers',
    `${page}: operators`,
    required(term('cores', 'Lt', ['16'])),
    'ssd8',
  ],
  [
    'Gt and Lt never match what is no number',
    `${page}: operators`,
    required(term('cores', 'Gt', ['-1'])),
    'ssd8 hdd16',
  ],
  ['Gt with a bound that is no number', 'NodeAffinity', required(term('cores', 'Gt', ['x'])), ''],
  [
    'expressions of one term are all needed',
    `${page}: if you specify multiple expressions in one term, all must be satisfied`,
    required({
      matchExpressions: [
        { key: 'disk', operator: 'Exists' },
        { key: 'zone', operator: 'In', values: ['b'] },
      ],
    }),
    'hdd16',
  ],
  [
    'one of several terms is enough',
    `${page}: multiple nodeSelectorTerms are ORed`,
    required(term('disk', 'In', ['ssd']), term('zone', 'DoesNotExist')),
    'ssd8 plain',
  ],
  [
    'no terms match nothing',
    'core/v1 NodeSelector: a null or empty list matches no objects',
    required(),
    '',
  ],
  [
    'an empty term matches nothing',
    'core/v1 NodeSelectorTerm: a null or empty term matches no objects',
    required({}),
    '',
  ],
  [
    'nodeSelector and affinity are both needed',
    `${page}: if you specify both nodeSelector and nodeAffinity, both must be satisfied`,
    { nodeSelector: { disk: 'ssd' }, ...required(term('zone', 'In', ['b'])) },
    '',
  ],
  [
    'matchFields by name',
    'core/v1 NodeSelectorTerm.matchFields',
    required({ matchFields: [{ key: 'metadata.name', operator: 'In', values: ['plain'] }] }),
    'plain',
  ],
  [
    'matchFields by name, excluded',
    'core/v1 NodeSelectorTerm.matchFields',
    required({ matchFields: [{ key: 'metadata.name', operator: 'NotIn', values: ['plain'] }] }),
    'ssd8 hdd16',
  ],
  [
    'matchFields and matchExpressions of a term are both needed',
    'core/v1 NodeSelectorTerm',
    required({
      matchFields: [{ key: 'metadata.name', operator: 'In', values: ['plain', 'ssd8'] }],
      matchExpressions: [{ key: 'disk', operator: 'Exists' }],
    }),
    'ssd8',
  ],
  [
    'a label named like an inherited property',
    'NodeAffinity',
    required(term('constructor', 'Exists')),
    '',
  ],
  [
    'preferred affinity keeps nobody off',
    `${page}: preferred`,
    preferred([100, term('disk', 'In', ['none'])]),
    all,
  ],
  ['nodeName', `${page}: nodeName`, { nodeName: 'hdd16' }, 'hdd16'],
  ['nodeName of a node that is not there', `${page}: nodeName`, { nodeName: 'nowhere' }, ''],
];

export const nodeLabelBehaviours: readonly Behaviour[] = [
  ...rows.map(([title, source, pod, fits]) => ({ title, source, nodes, pod, fits })),
  {
    title: 'preferred affinity outranks packing',
    source: `${page}: the weights are summed and added to the score of the node`,
    nodes,
    placed: [on('ssd8', 'p', { requests: { cpu: '2' } })],
    pod: preferred([10, term('zone', 'In', ['b'])]),
    best: 'hdd16',
  },
  {
    title: 'the larger sum of preferred weights wins',
    source: `${page}: node affinity weight`,
    nodes,
    pod: preferred([60, term('zone', 'In', ['b'])], [30, term('disk', 'In', ['ssd'])]),
    best: 'hdd16',
  },
  {
    title: 'preferred weights add up',
    source: `${page}: node affinity weight`,
    nodes,
    pod: preferred(
      [60, term('zone', 'In', ['b'])],
      [40, term('disk', 'In', ['ssd'])],
      [30, term('zone', 'In', ['a'])],
    ),
    best: 'ssd8',
  },
  {
    title: 'a cordoned node',
    source: 'NodeUnschedulable',
    nodes: [node('a', { cordoned: true }), node('b')],
    pod: {},
    fits: 'b',
  },
  {
    title: 'a cordoned node that the pod tolerates',
    source: 'NodeUnschedulable: tolerating node.kubernetes.io/unschedulable:NoSchedule',
    nodes: [node('a', { cordoned: true }), node('b')],
    pod: {
      tolerations: [
        { key: 'node.kubernetes.io/unschedulable', operator: 'Exists', effect: 'NoSchedule' },
      ],
    },
    fits: 'a b',
  },
  {
    title: 'a cordoned node for a pod that tolerates everything',
    source: 'NodeUnschedulable; a toleration without a key and with Exists tolerates everything',
    nodes: [node('a', { cordoned: true })],
    pod: { tolerations: [{ operator: 'Exists' }] },
    fits: 'a',
  },
];
