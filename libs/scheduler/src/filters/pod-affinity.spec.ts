import { expect, test } from 'vitest';
import { pod, snapshotOf, verdicts, type NodeFixture, type PodFixture } from '../fixtures.js';
import { podAffinityFilter } from './pod-affinity.js';

const nodes: NodeFixture[] = [
  { name: 'a1', labels: { zone: 'a', host: 'a1' } },
  { name: 'a2', labels: { zone: 'a', host: 'a2' } },
  { name: 'b1', labels: { zone: 'b', host: 'b1' } },
  { name: 'bare' },
];
const term = (app: string, topologyKey: string, more: object = {}) => ({
  labelSelector: { matchLabels: { app } },
  topologyKey,
  ...more,
});
const near = (...terms: ReturnType<typeof term>[]) => ({
  affinity: { podAffinity: { requiredDuringSchedulingIgnoredDuringExecution: terms } },
});
const away = (...terms: ReturnType<typeof term>[]) => ({
  affinity: { podAntiAffinity: { requiredDuringSchedulingIgnoredDuringExecution: terms } },
});
const web: PodFixture = { name: 'web', labels: { app: 'web' }, nodeName: 'a1' };
const other: PodFixture = { ...web, namespace: 'other' };

const cases: [title: string, placed: PodFixture[], asks: Partial<PodFixture>, fitting: string[]][] =
  [
    ['near a pod of its zone', [web], near(term('web', 'zone')), ['a1', 'a2']],
    ['near a pod of its host', [web], near(term('web', 'host')), ['a1']],
    ['near a pod that is nowhere', [], near(term('web', 'zone')), []],
    [
      'near its own kind, as the first',
      [],
      { ...near(term('web', 'zone')), labels: { app: 'web' } },
      ['a1', 'a2', 'b1'],
    ],
    [
      'near its own kind, as the second',
      [web],
      { ...near(term('web', 'zone')), labels: { app: 'web' } },
      ['a1', 'a2'],
    ],
    ['only pods of its own namespace count', [other], near(term('web', 'zone')), []],
    [
      'unless the term names another',
      [other],
      near(term('web', 'zone', { namespaces: ['other'] })),
      ['a1', 'a2'],
    ],
    ['or selects all', [other], near(term('web', 'zone', { namespaceSelector: {} })), ['a1', 'a2']],
    ['away from a pod of its zone', [web], away(term('web', 'zone')), ['b1', 'bare']],
    ['away from a pod of its host', [web], away(term('web', 'host')), ['a2', 'b1', 'bare']],
    [
      'a placed pod keeps others away',
      [{ ...web, ...away(term('db', 'zone')) }],
      { labels: { app: 'db' } },
      ['b1', 'bare'],
    ],
    [
      'but not those that it is not about',
      [{ ...web, ...away(term('db', 'zone')) }],
      { labels: { app: 'x' } },
      ['a1', 'a2', 'b1', 'bare'],
    ],
    [
      'matchLabelKeys narrow to the own value',
      [{ ...web, labels: { app: 'web', rev: '1' } }],
      { ...away(term('web', 'zone', { matchLabelKeys: ['rev'] })), labels: { rev: '2' } },
      ['a1', 'a2', 'b1', 'bare'],
    ],
  ];

test.each(cases)('%s', (_title, placed, asks, fitting) => {
  const said = verdicts(podAffinityFilter, snapshotOf(nodes, placed), pod({ name: 'x', ...asks }));
  const fits = Object.entries(said).flatMap(([name, verdict]) => (verdict === 'ok' ? [name] : []));
  expect(fits).toEqual(fitting);
});

test('counts follow pods that leave and nodes that change their labels', () => {
  const snapshot = snapshotOf(nodes, [web]);
  const asked = pod({ name: 'x', ...away(term('web', 'zone')) });
  expect(verdicts(podAffinityFilter, snapshot, asked)['a2']).not.toBe('ok');
  snapshot.setNode({ metadata: { name: 'a1', labels: { zone: 'b' } } });
  expect(verdicts(podAffinityFilter, snapshot, asked)['a2']).toBe('ok');
  expect(verdicts(podAffinityFilter, snapshot, asked)['b1']).not.toBe('ok');
  snapshot.removePod('uid-default-web');
  expect(verdicts(podAffinityFilter, snapshot, asked)['b1']).toBe('ok');
});

test('a namespace that gets the selected labels brings its pods into the count', () => {
  const snapshot = snapshotOf(nodes, [other]);
  const selector = { namespaceSelector: { matchLabels: { team: 'a' } } };
  const asked = pod({ name: 'x', ...near(term('web', 'zone', selector)) });
  expect(verdicts(podAffinityFilter, snapshot, asked)['a2']).not.toBe('ok');
  snapshot.setNamespace('other', { team: 'a' });
  expect(verdicts(podAffinityFilter, snapshot, asked)['a2']).toBe('ok');
  snapshot.setNamespace('other', undefined);
  expect(verdicts(podAffinityFilter, snapshot, asked)['a2']).not.toBe('ok');
});
