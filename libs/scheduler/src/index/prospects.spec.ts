import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { maskWords, maxAsks } from './ask-bits.js';
import { Prospects } from './prospects.js';

const groups = 40;
const change = fc.record({
  what: fc.constantFrom('raise', 'raise', 'set', 'forget', 'begin'),
  bits: fc.array(fc.nat(maxAsks - 1), { minLength: 1, maxLength: 5 }),
  group: fc.nat(groups - 1),
  key: fc.integer({ min: -3, max: 3 }),
});

test('remembers for each ask and group what a plain table does, also when groups become many', () => {
  fc.assert(
    fc.property(fc.array(change, { maxLength: 60 }), (changes) => {
      const prospects = new Prospects();
      const plain = Array.from({ length: maxAsks }, () => Array<number>(groups).fill(-Infinity));
      for (let group = 0; group < groups; group++) prospects.begin(group);
      for (const { what, bits, group, key } of changes) {
        const [bit] = bits as [number];
        if (what === 'raise') {
          const words = new Int32Array(maskWords);
          for (const each of bits) {
            words[each >> 5]! |= 1 << (each & 31);
            plain[each]![group] = Math.max(plain[each]![group]!, key);
          }
          prospects.raise(words, maskWords, group, key);
        } else if (what === 'set') {
          plain[bit]![group] = key;
          prospects.set(bit, group, key);
        } else if (what === 'forget') {
          plain[bit]!.fill(Infinity);
          prospects.forget(bit);
        } else {
          for (const row of plain) row[group] = -Infinity;
          prospects.begin(group);
        }
      }
      const found = plain.map((row, bit) => row.map((_, group) => prospects.at(bit, group)));
      expect(found).toEqual(plain);
    }),
    { numRuns: 100 },
  );
});
