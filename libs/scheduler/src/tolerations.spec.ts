import { expect, test } from 'vitest';
import type { TaintInput, TolerationInput } from './input.js';
import { taintText, tolerates, untoleratedTaint } from './tolerations.js';

const gpu: TaintInput = { key: 'dedicated', value: 'gpu', effect: 'NoSchedule' };
const bare: TaintInput = { key: 'dedicated', effect: 'NoExecute' };

const cases: [toleration: TolerationInput, taint: TaintInput, covered: boolean][] = [
  [{ key: 'dedicated', operator: 'Equal', value: 'gpu', effect: 'NoSchedule' }, gpu, true],
  [{ key: 'dedicated', value: 'gpu' }, gpu, true],
  [{ key: 'dedicated', operator: '', value: 'gpu' }, gpu, true],
  [{ key: 'dedicated', value: 'cpu' }, gpu, false],
  [{ key: 'dedicated', value: 'gpu', effect: 'NoExecute' }, gpu, false],
  [{ key: 'other', operator: 'Exists' }, gpu, false],
  [{ key: 'dedicated', operator: 'Exists' }, gpu, true],
  [{ operator: 'Exists' }, gpu, true],
  [{ operator: 'Exists', effect: 'NoExecute' }, gpu, false],
  [{ operator: 'Exists', effect: 'NoExecute' }, bare, true],
  [{}, gpu, false],
  [{ value: 'gpu' }, gpu, false],
  [{ key: 'dedicated' }, bare, true],
  [{ key: 'dedicated', value: '' }, bare, true],
  [{ key: 'dedicated', operator: 'Lt', value: 'gpu' }, gpu, false],
];

test.each(cases)('%j on %j → %s', (toleration, taint, covered) => {
  expect(tolerates(toleration, taint)).toBe(covered);
});

test('finds the first taint of the asked effects that nothing covers', () => {
  const tolerations = [{ key: 'dedicated', operator: 'Exists', effect: 'NoSchedule' }];
  expect(untoleratedTaint([gpu, bare], tolerations, ['NoSchedule'])).toBeUndefined();
  expect(untoleratedTaint([gpu, bare], tolerations, ['NoSchedule', 'NoExecute'])).toBe(bare);
  expect(taintText(gpu)).toBe('dedicated=gpu:NoSchedule');
  expect(taintText(bare)).toBe('dedicated:NoExecute');
});
