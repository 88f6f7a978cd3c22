import { expect, test } from 'vitest';
import { reportedImages } from './node-images.js';

const image = (name: string, sizeBytes: number) => ({
  names: name === '' ? [] : [name],
  digest: `sha256:${name}`,
  sizeBytes,
});

test('the largest fifty images that have names are reported, always in one order', () => {
  const all = [
    image('', 9_000),
    ...Array.from({ length: 60 }, (_, i) => image(`web:${i}`, i % 30)),
  ];
  const reported = reportedImages(all);
  expect(reported).toHaveLength(50);
  expect(reported[0]).toEqual({ names: ['web:29'], sizeBytes: 29 });
  expect(reportedImages(all.toReversed())).toEqual(reported);
});
