import { expect, test } from 'vitest';
import { PodCidrs } from './pod-cidrs.js';

const cases: [cluster: string, bits: number, taken: string[], next: string | undefined][] = [
  ['10.42.0.0/16', 24, [], '10.42.0.0/24'],
  ['10.42.0.0/16', 24, ['10.42.0.0/24', '10.42.2.0/24'], '10.42.1.0/24'],
  ['10.42.0.0/16', 24, ['10.42.0.0/23'], '10.42.2.0/24'],
  ['10.42.0.0/16', 24, ['10.99.0.0/24'], '10.42.0.0/24'],
  ['10.42.7.9/16', 24, [], '10.42.0.0/24'],
  [
    '192.168.0.0/24',
    26,
    ['192.168.0.0/26', '192.168.0.64/26', '192.168.0.128/26'],
    '192.168.0.192/26',
  ],
  ['192.168.0.0/24', 25, ['192.168.0.0/24'], undefined],
  ['255.255.0.0/16', 24, [], '255.255.0.0/24'],
];

test.each(cases)('%s by /%i without %j → %s', (cluster, bits, taken, next) => {
  const cidrs = new PodCidrs(cluster, bits);
  taken.forEach((range, i) => cidrs.assign(`node-${i}`, range));
  expect(cidrs.allocate('new')).toBe(next);
});

test('a part is free again when its owner is gone, and moves with its owner', () => {
  const cidrs = new PodCidrs('10.42.0.0/16', 24);
  expect([cidrs.allocate('a'), cidrs.allocate('b')]).toEqual(['10.42.0.0/24', '10.42.1.0/24']);
  cidrs.assign('a', undefined);
  cidrs.assign('b', '10.42.7.0/24');
  expect(cidrs.get('a')).toBeUndefined();
  expect([cidrs.allocate('c'), cidrs.allocate('d')]).toEqual(['10.42.0.0/24', '10.42.1.0/24']);
});

test('what is no IPv4 range takes nothing and stands in the way of nobody', () => {
  const cidrs = new PodCidrs('10.42.0.0/16', 24);
  cidrs.assign('six', 'fd00:10:42::/64');
  cidrs.assign('odd', 'no range at all');
  expect([cidrs.get('six'), cidrs.allocate('a')]).toEqual(['fd00:10:42::/64', '10.42.0.0/24']);
  cidrs.assign('six', '10.42.1.0/24');
  expect(cidrs.allocate('b')).toBe('10.42.2.0/24');
});

test('refuses what is no range', () => {
  expect(() => new PodCidrs('10.42.0.0', 24)).toThrow('not an IPv4 range such as 10.42.0.0/16');
});
