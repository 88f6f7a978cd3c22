import { expect, test } from 'vitest';
import { pod, snapshotOf, verdicts } from '../fixtures.js';
import { volumesFilter } from './volumes.js';

const nodes = [
  { name: 'a', labels: { disk: 'x' } },
  { name: 'b', labels: { disk: 'y' } },
  { name: 'c' },
];
const on = (...values: string[]) =>
  values.map((value) => ({ matchExpressions: [{ key: 'disk', operator: 'In', values: [value] }] }));

test.each<[string, { terms: ReturnType<typeof on>; reason: string }[], string[]]>([
  ['no claims', [], ['a', 'b', 'c']],
  ['one volume', [{ terms: on('x'), reason: 'r' }], ['a']],
  ['a choice of volumes', [{ terms: on('x', 'y'), reason: 'r' }], ['a', 'b']],
  [
    'two claims that no node can meet',
    [
      { terms: on('x'), reason: 'r' },
      { terms: on('y'), reason: 's' },
    ],
    [],
  ],
  ['a claim without any volume', [{ terms: [], reason: 'claim d/c has no volume' }], []],
])('%s', (_title, volumeAffinity, fitting) => {
  const said = verdicts(volumesFilter, snapshotOf(nodes), pod({ name: 'p', volumeAffinity }));
  const fits = Object.entries(said).flatMap(([name, verdict]) => (verdict === 'ok' ? [name] : []));
  expect(fits).toEqual(fitting);
  if (fitting.length > 0) return;
  const reason = volumeAffinity.at(-1)!.reason;
  expect(said['a']).toBe(`cannot be used, since ${reason}`);
});
