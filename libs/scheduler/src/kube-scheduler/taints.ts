import { node, on, type Behaviour } from './behaviour.js';

const page = 'concepts/scheduling-eviction/taint-and-toleration';
const taint = (effect: string, key = 'k', value = 'v') => ({ key, value, effect });
const nodes = [
  node('free'),
  node('no', { taints: [taint('NoSchedule')] }),
  node('out', { taints: [taint('NoExecute')] }),
  node('rather', { taints: [taint('PreferNoSchedule')] }),
  node('two', { taints: [taint('NoSchedule'), taint('NoSchedule', 'other')] }),
  node('bare', { taints: [{ key: 'k', effect: 'NoSchedule' }] }),
];

type Toleration = { key?: string; operator?: string; value?: string; effect?: string };
type Row = [title: string, source: string, tolerations: Toleration[], fits: string];

const rows: Row[] = [
  ['NoSchedule and NoExecute keep off, PreferNoSchedule does not', page, [], 'free rather'],
  [
    'Equal: key, value and effect',
    `${page}: a toleration matches a taint if`,
    [{ key: 'k', operator: 'Equal', value: 'v', effect: 'NoSchedule' }],
    'free no rather',
  ],
  [
    'operator defaults to Equal',
    `${page}: the default value for operator is Equal`,
    [{ key: 'k', value: 'v', effect: 'NoSchedule' }],
    'free no rather',
  ],
  [
    'another value does not match',
    page,
    [{ key: 'k', operator: 'Equal', value: 'w', effect: 'NoSchedule' }],
    'free rather',
  ],
  [
    'an absent value is the empty one',
    'core/v1 Toleration.value',
    [{ key: 'k', operator: 'Equal', effect: 'NoSchedule' }],
    'free rather bare',
  ],
  [
    'Exists asks for no value',
    page,
    [{ key: 'k', operator: 'Exists', effect: 'NoSchedule' }],
    'free no rather bare',
  ],
  [
    'an empty effect matches all effects',
    `${page}: an empty effect matches all effects with key`,
    [{ key: 'k', operator: 'Exists' }],
    'free no out rather bare',
  ],
  [
    'an empty key with Exists matches everything',
    `${page}: an empty key with operator Exists`,
    [{ operator: 'Exists' }],
    'free no out rather two bare',
  ],
  [
    'an empty key with Exists and an effect',
    'core/v1 Toleration',
    [{ operator: 'Exists', effect: 'NoExecute' }],
    'free out rather',
  ],
  [
    'each taint needs a toleration',
    `${page}: ignore the ones for which the pod has a matching toleration; the remaining have their effects`,
    [
      { key: 'other', operator: 'Exists' },
      { key: 'k', operator: 'Exists' },
    ],
    'free no out rather two bare',
  ],
  [
    'another effect does not match',
    page,
    [{ key: 'k', operator: 'Exists', effect: 'NoExecute' }],
    'free out rather',
  ],
  [
    'an unknown operator matches nothing',
    'core/v1 Toleration.operator',
    [{ key: 'k', operator: 'Like', value: 'v' }],
    'free rather',
  ],
];

export const taintBehaviours: readonly Behaviour[] = [
  ...rows.map(([title, source, tolerations, fits]) => ({
    title,
    source,
    nodes,
    pod: { tolerations },
    fits,
  })),
  {
    title: 'PreferNoSchedule is avoided while there is another node',
    source: `${page}: PreferNoSchedule`,
    nodes: [node('rather', { taints: [taint('PreferNoSchedule')] }), node('free')],
    placed: [on('rather', 'p', { requests: { cpu: '2' } })],
    pod: {},
    best: 'free',
  },
  {
    title: 'PreferNoSchedule is taken when there is nothing else',
    source: `${page}: PreferNoSchedule`,
    nodes: [node('rather', { taints: [taint('PreferNoSchedule')] })],
    pod: {},
    best: 'rather',
  },
  {
    title: 'fewer intolerable preferences are better',
    source: 'TaintToleration: score by the number of intolerable PreferNoSchedule taints',
    nodes: [
      node('two', { taints: [taint('PreferNoSchedule'), taint('PreferNoSchedule', 'other')] }),
      node('one', { taints: [taint('PreferNoSchedule')] }),
    ],
    pod: {},
    best: 'one',
  },
  {
    title: 'a preference that is tolerated costs nothing',
    source: 'TaintToleration: score',
    nodes: [
      node('one', { taints: [taint('PreferNoSchedule')] }),
      node('other', { taints: [taint('PreferNoSchedule', 'other')] }),
    ],
    pod: { tolerations: [{ key: 'other', operator: 'Exists' }] },
    best: 'other',
  },
];
