import { expect, test } from 'vitest';
import { pod, snapshotOf, verdicts, type NodeFixture, type PodFixture } from '../fixtures.js';
import type { Filter } from './filter.js';
import { nodeAffinityFilter } from './node-affinity.js';
import { nodeNameFilter } from './node-name.js';
import { taintsFilter } from './taints.js';
import { unschedulableFilter } from './unschedulable.js';

const nodes: NodeFixture[] = [
  { name: 'plain', labels: { zone: 'z1', disk: 'hdd' } },
  { name: 'ssd', labels: { zone: 'z2', disk: 'ssd' } },
  { name: 'tainted', taints: [{ key: 'dedicated', value: 'db', effect: 'NoSchedule' }] },
  { name: 'leaving', taints: [{ key: 'leaving', effect: 'NoExecute' }] },
  { name: 'avoided', taints: [{ key: 'slow', effect: 'PreferNoSchedule' }] },
  {
    name: 'cordoned',
    cordoned: true,
    taints: [{ key: 'node.kubernetes.io/unschedulable', effect: 'NoSchedule' }],
  },
];

const required = (...terms: object[]) => ({
  affinity: {
    nodeAffinity: {
      requiredDuringSchedulingIgnoredDuringExecution: { nodeSelectorTerms: terms },
    },
  },
});
const expression = (key: string, operator: string, ...values: string[]) => ({
  matchExpressions: [{ key, operator, values }],
});

const cases: [filter: Filter, asks: Partial<PodFixture>, fitting: string[]][] = [
  [nodeNameFilter, { nodeName: 'ssd' }, ['ssd']],
  [nodeNameFilter, { nodeName: 'gone' }, []],
  [unschedulableFilter, {}, ['plain', 'ssd', 'tainted', 'leaving', 'avoided']],
  [
    unschedulableFilter,
    { tolerations: [{ key: 'node.kubernetes.io/unschedulable', operator: 'Exists' }] },
    ['plain', 'ssd', 'tainted', 'leaving', 'avoided', 'cordoned'],
  ],
  [taintsFilter, {}, ['plain', 'ssd', 'avoided', 'cordoned']],
  [
    taintsFilter,
    { tolerations: [{ key: 'dedicated', value: 'db' }] },
    ['plain', 'ssd', 'tainted', 'avoided', 'cordoned'],
  ],
  [
    taintsFilter,
    { tolerations: [{ operator: 'Exists', effect: 'NoExecute' }] },
    ['plain', 'ssd', 'leaving', 'avoided', 'cordoned'],
  ],
  [nodeAffinityFilter, { nodeSelector: { disk: 'ssd' } }, ['ssd']],
  [nodeAffinityFilter, { nodeSelector: { disk: 'ssd', zone: 'z1' } }, []],
  [nodeAffinityFilter, required(expression('disk', 'Exists')), ['plain', 'ssd']],
  [
    nodeAffinityFilter,
    required(expression('zone', 'In', 'z1'), expression('zone', 'In', 'z2')),
    ['plain', 'ssd'],
  ],
  [nodeAffinityFilter, required(), []],
  [nodeAffinityFilter, required({}), []],
  [
    nodeAffinityFilter,
    required({ matchFields: [{ key: 'metadata.name', operator: 'In', values: ['avoided'] }] }),
    ['avoided'],
  ],
  [
    nodeAffinityFilter,
    { ...required(expression('disk', 'Exists')), nodeSelector: { zone: 'z1' } },
    ['plain'],
  ],
];

test.each(cases)('$name with %j', (filter, asks, fitting) => {
  // A pod that is not bound yet: its own nodeName is a wish here.
  const said = verdicts(filter, snapshotOf(nodes), pod({ name: 'x', ...asks }));
  const fits = Object.entries(said).flatMap(([name, verdict]) => (verdict === 'ok' ? [name] : []));
  expect(fits).toEqual(fitting);
});
