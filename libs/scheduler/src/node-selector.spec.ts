import { expect, test } from 'vitest';
import { compileLabels, compileTerm, termMatches, termText } from './node-selector.js';

const node = { name: 'node-a', labels: { disk: 'ssd', cores: '16', empty: '' } };

const cases: [key: string, operator: string, values: string[], matches: boolean][] = [
  ['disk', 'In', ['hdd', 'ssd'], true],
  ['disk', 'In', ['hdd'], false],
  ['none', 'In', ['x'], false],
  ['disk', 'NotIn', ['hdd'], true],
  ['disk', 'NotIn', ['ssd'], false],
  ['none', 'NotIn', ['x'], true],
  ['disk', 'Exists', [], true],
  ['empty', 'Exists', [], true],
  ['none', 'Exists', [], false],
  ['disk', 'DoesNotExist', [], false],
  ['none', 'DoesNotExist', [], true],
  ['cores', 'Gt', ['8'], true],
  ['cores', 'Gt', ['16'], false],
  ['cores', 'Lt', ['17'], true],
  ['cores', 'Lt', ['16'], false],
  ['disk', 'Gt', ['1'], false],
  ['cores', 'Gt', ['eight'], false],
  ['none', 'Lt', ['1'], false],
  ['disk', 'Like', ['ssd'], false],
  ['constructor', 'Exists', [], false],
  ['__proto__', 'DoesNotExist', [], true],
];

test.each(cases)('%s %s %j → %s', (key, operator, values, matches) => {
  const term = compileTerm({ matchExpressions: [{ key, operator, values }] });
  expect(termMatches(term, node)).toBe(matches);
});

test.each([
  ['metadata.name', 'In', ['node-a'], true],
  ['metadata.name', 'In', ['node-b'], false],
  ['metadata.name', 'NotIn', ['node-b'], true],
  ['metadata.uid', 'In', ['node-a'], false],
])('field %s %s %j → %s', (key, operator, values, matches) => {
  const term = compileTerm({ matchFields: [{ key, operator, values }] });
  expect(termMatches(term, node)).toBe(matches);
});

test('a term needs all its requirements, and an empty one matches nothing', () => {
  expect(termMatches(compileLabels({ disk: 'ssd', cores: '8' }), node)).toBe(false);
  expect(termMatches(compileTerm({}), node)).toBe(false);
});

test('is written as kubectl writes selectors', () => {
  const term = compileTerm({
    matchExpressions: [
      { key: 'disk', operator: 'In', values: ['ssd', 'nvme'] },
      { key: 'gpu', operator: 'DoesNotExist' },
      { key: 'cores', operator: 'Gt', values: ['8'] },
    ],
  });
  expect(termText(term)).toBe('disk in (ssd,nvme),!gpu,cores>8');
});
