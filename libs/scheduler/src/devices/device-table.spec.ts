import { expect, test } from 'vitest';
import { leftoversOf } from '../waste/leftovers.js';
import { choose, DeviceTable } from './device-table.js';

const kind = 1;
const halvesAndFifths = leftoversOf([
  { kind, count: 1, millis: 500, share: 0.5 },
  { kind, count: 1, millis: 200, share: 0.5 },
]).get(kind)!;

test('a share goes to the fullest device until it is known what fills devices up', () => {
  // 500 are just what the other pods ask for, so that 200 had better come to 700 and leave as much there.
  const free = Int32Array.of(1_000, 700, 500);
  expect(choose(free, 1, 200)).toEqual([2]);
  expect(choose(free, 1, 200, halvesAndFifths)).toEqual([1]);
});

test('of devices that are filled up as well, the fullest and then the first', () => {
  expect(choose(Int32Array.of(1_000, 500, 500), 1, 500, halvesAndFifths)).toEqual([1]);
  expect(choose(Int32Array.of(100, 199), 1, 200, halvesAndFifths)).toHaveLength(1);
});

test('the choice that is shown is the one that is taken', () => {
  const table = new DeviceTable();
  table.reset(0, 3);
  table.take(0, 1, 300, [1]);
  table.take(0, 1, 500, [2]);
  table.leftovers = halvesAndFifths;
  const shown = table.choice(0, 1, 200);
  expect(shown).toEqual([1]);
  expect(table.take(0, 1, 200)).toEqual(shown);
});
