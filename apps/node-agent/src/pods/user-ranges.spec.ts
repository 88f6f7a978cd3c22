import { expect, test } from 'vitest';
import { parseUserRange, podUserIds, UserRanges } from './user-ranges.js';

const small = { first: 100_000, last: 100_000 + 3 * podUserIds - 1 };

test('no two pods ever share an id, and a range rests before it is used again', () => {
  const ranges = new UserRanges(small);
  const [a, b] = [ranges.take('a'), ranges.take('b')];
  expect([a.first, b.first]).toEqual([100_000, 100_000 + podUserIds]);
  ranges.release('a');
  expect(ranges.take('c').first).toBe(100_000 + 2 * podUserIds);
  expect(ranges.take('d').first).toBe(a.first);
  expect(() => ranges.take('e')).toThrow('all 3 ranges of user ids of this node are taken');
});

test('what pods had before a restart is theirs, also when the configuration has moved', () => {
  const ranges = new UserRanges(small);
  ranges.hold('old', { first: 100_000 + 1000, size: podUserIds });
  expect(ranges.take('new').first).toBe(100_000 + 2 * podUserIds);
  expect(() => ranges.take('other')).toThrow('are taken');
});

test.each(['', 'a-b', '0-65535', '65536-131070', '65536-4294967295', '200000-100000'])(
  'the range %j is refused',
  (text) => {
    expect(() => parseUserRange(text)).toThrow('must be FIRST-LAST');
  },
);
