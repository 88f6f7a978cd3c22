import { expect, test } from 'vitest';
import { expand } from './expand.js';

const values = new Map([
  ['A', 'one'],
  ['EMPTY', ''],
  ['NESTED', '$(A)'],
]);

test.each([
  ['$(A)', 'one'],
  ['x$(A)y$(A)', 'xoneyone'],
  ['$$(A)', '$(A)'],
  ['$$$(A)', '$one'],
  ['$(MISSING)', '$(MISSING)'],
  ['$(EMPTY)', ''],
  ['$(NESTED)', '$(A)'],
  ['$(A', '$(A'],
  ['$A', '$A'],
  ['100$', '100$'],
])('%s becomes %s', (text, expected) => {
  expect(expand(text, values)).toBe(expected);
});
