import { expect, test } from 'vitest';
import { slowStart } from './slow-start.js';

async function batches(count: number, first?: number, failAt = Infinity): Promise<number[]> {
  const seen: number[] = [];
  const action = async (batch: number) => {
    seen.push(batch);
    if (seen.length > failAt) throw new Error('refused');
  };
  await slowStart(count, action, first).catch(() => {});
  return seen;
}

test('doubles from one until all is done', async () => {
  expect(await batches(10)).toEqual([1, 2, 4, 3]);
  expect(await batches(0)).toEqual([]);
});

test('begins where it is told to', async () => {
  expect(await batches(450, 100)).toEqual([100, 200, 150]);
});

test('stops at the batch that fails', async () => {
  expect(await batches(100, 1, 2)).toEqual([1, 2, 4]);
});
