import { describe, expect, it } from 'vitest';
import { age, humanDuration } from './human-duration.js';

const minute = 60;
const hour = 60 * minute;
const day = 24 * hour;

describe('human duration', () => {
  it.each([
    [-5, '<invalid>'],
    [-1, '0s'],
    [0, '0s'],
    [119, '119s'],
    [2 * minute, '2m'],
    [3 * minute + 12, '3m12s'],
    [10 * minute + 59, '10m'],
    [179 * minute, '179m'],
    [3 * hour, '3h'],
    [3 * hour + 5 * minute, '3h5m'],
    [8 * hour + 5 * minute, '8h'],
    [47 * hour, '47h'],
    [48 * hour, '2d'],
    [51 * hour, '2d3h'],
    [8 * day + hour, '8d'],
    [2 * 365 * day + 20 * day, '2y20d'],
    [9 * 365 * day, '9y'],
  ])('of %d seconds is %s', (seconds, expected) => {
    expect(humanDuration(seconds * 1000)).toBe(expected);
  });
  it('of a timestamp counts to now, and is unknown without one', () => {
    expect(age('2026-11-21T12:00:00Z', Date.parse('2026-11-21T12:00:45Z'))).toBe('45s');
    expect(age(undefined, 0)).toBe('<unknown>');
    expect(age('yesterday', 0)).toBe('<unknown>');
  });
});
