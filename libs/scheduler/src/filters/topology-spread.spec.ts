import { expect, test } from 'vitest';
import { pod, snapshotOf, verdicts, type NodeFixture, type PodFixture } from '../fixtures.js';
import { topologySpreadFilter } from './topology-spread.js';

const nodes: NodeFixture[] = [
  { name: 'a1', labels: { zone: 'a' } },
  { name: 'a2', labels: { zone: 'a', pool: 'big' } },
  { name: 'b1', labels: { zone: 'b', pool: 'big' } },
  { name: 'c1', labels: { zone: 'c' }, taints: [{ key: 't', effect: 'NoSchedule' }] },
  { name: 'bare' },
];
const spread = (more: object = {}) => ({
  labels: { app: 'web' },
  topologySpreadConstraints: [
    {
      maxSkew: 1,
      topologyKey: 'zone',
      whenUnsatisfiable: 'DoNotSchedule',
      labelSelector: { matchLabels: { app: 'web' } },
      ...more,
    },
  ],
});
const on = (nodeName: string, name = nodeName): PodFixture => ({
  name,
  nodeName,
  labels: { app: 'web' },
});

const cases: [title: string, placed: PodFixture[], asks: Partial<PodFixture>, fitting: string[]][] =
  [
    [
      'empty zones are alike; a node without the label is out',
      [],
      spread(),
      ['a1', 'a2', 'b1', 'c1'],
    ],
    ['one ahead is out', [on('a1')], spread(), ['b1', 'c1']],
    ['a larger skew lets it in', [on('a1')], spread({ maxSkew: 2 }), ['a1', 'a2', 'b1', 'c1']],
    ['level again', [on('a1'), on('b1'), on('c1')], spread(), ['a1', 'a2', 'b1', 'c1']],
    [
      'soft never refuses',
      [on('a1')],
      spread({ whenUnsatisfiable: 'ScheduleAnyway' }),
      ['a1', 'a2', 'b1', 'c1', 'bare'],
    ],
    [
      'a pod that it does not count adds nothing',
      [on('a1')],
      { ...spread(), labels: {} },
      ['a1', 'a2', 'b1', 'c1'],
    ],
    [
      'tainted nodes do not hold the minimum when asked',
      [on('a1'), on('b1')],
      spread({ nodeTaintsPolicy: 'Honor' }),
      ['a1', 'a2', 'b1', 'c1'],
    ],
    [
      'nodes outside the selector do not count',
      [on('a1'), on('b1')],
      { ...spread(), nodeSelector: { pool: 'big' } },
      ['a1', 'a2', 'c1'],
    ],
    [
      'unless the policy ignores that',
      [on('a1'), on('b1')],
      { ...spread({ nodeAffinityPolicy: 'Ignore' }), nodeSelector: { pool: 'big' } },
      ['c1'],
    ],
    [
      'fewer zones than minDomains make the minimum 0',
      [on('a1'), on('b1'), on('c1')],
      spread({ minDomains: 4 }),
      [],
    ],
  ];

test.each(cases)('%s', (_title, placed, asks, fitting) => {
  const asked = pod({ name: 'x', ...asks });
  const said = verdicts(topologySpreadFilter, snapshotOf(nodes, placed), asked);
  const fits = Object.entries(said).flatMap(([name, verdict]) => (verdict === 'ok' ? [name] : []));
  expect(fits).toEqual(fitting);
});
