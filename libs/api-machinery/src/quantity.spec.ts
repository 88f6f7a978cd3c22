import { assert, integer, property } from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  addQuantities,
  bytesToQuantity,
  canonicalQuantity,
  compareQuantities,
  millisToQuantity,
  parseQuantity,
  quantityMillis,
  quantityValue,
} from './quantity.js';

describe('canonical form', () => {
  it.each<[string | number, string]>([
    ['0', '0'],
    [1, '1'],
    [0.5, '500m'],
    ['1000m', '1'],
    ['1500m', '1500m'],
    ['0.1m', '100u'],
    ['1024Mi', '1Gi'],
    ['1.5Gi', '1536Mi'],
    ['0.5Ki', '512'],
    ['1000Ki', '1000Ki'],
    ['2000M', '2G'],
    ['1e3', '1e3'],
    ['12E6', '12e6'],
    ['1E', '1E'],
    ['-1', '-1'],
    ['+5', '5'],
    ['0Gi', '0'],
    ['.5', '500m'],
    ['5.', '5'],
    ['123456789n', '123456789n'],
    ['0.0000000001', '1n'],
  ])('of %s is %s', (text, expected) => expect(canonicalQuantity(text)).toBe(expected));
});

describe('refusal', () => {
  it.each([
    '',
    ' ',
    '1 Gi',
    'abc',
    '12Zi',
    '1ki',
    '0x10',
    '1e400',
    '1,5',
    '1..2',
    '--1',
    'NaN',
    'Infinity',
    '9'.repeat(70),
  ])('of %j', (text) => expect(() => parseQuantity(text)).toThrow(/quantities must match/));
  it.each(['8Ei', '1e19', '10E'])('of %s, which is out of range', (text) => {
    expect(() => parseQuantity(text)).toThrow(/out of range/);
  });
});

describe('arithmetic', () => {
  it('rounds up', () => {
    expect(quantityMillis('1n')).toBe(1);
    expect(quantityMillis('2')).toBe(2000);
    expect(quantityValue('1500m')).toBe(2);
    expect(quantityValue('1Ki')).toBe(1024);
  });
  it('adds in the format of the first', () => {
    expect(addQuantities('512Mi', '536870912')).toBe('1Gi');
    expect(addQuantities('100m', '900m')).toBe('1');
  });
  it('compares across formats', () => {
    expect(compareQuantities('1Ki', '1024')).toBe(0);
    expect(compareQuantities('1Ki', '1k')).toBeGreaterThan(0);
  });
  it('reads back what it writes, for any amount', () => {
    assert(
      property(integer({ min: 0, max: 2 ** 40 }), (amount) => {
        expect(quantityValue(bytesToQuantity(amount))).toBe(amount);
        expect(quantityMillis(millisToQuantity(amount))).toBe(amount);
        const canonical = canonicalQuantity(`${amount}u`);
        expect(canonicalQuantity(canonical)).toBe(canonical);
        expect(compareQuantities(canonical, `${amount}u`)).toBe(0);
      }),
    );
  });
});
