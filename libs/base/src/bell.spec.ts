import { getEventListeners } from 'node:events';
import { expect, test } from 'vitest';
import { Bell } from './bell.js';

test('a ring wakes who waits, once', async () => {
  const bell = new Bell();
  const woken: string[] = [];
  bell.ring();
  const first = bell.rung().then(() => woken.push('first'));
  expect(woken).toEqual([]);
  bell.ring();
  await first;
  const second = bell.rung().then(() => woken.push('second'));
  await Promise.resolve();
  expect(woken).toEqual(['first']);
  bell.ring();
  await second;
  expect(woken).toEqual(['first', 'second']);
});

test('an abort wakes too, and no listener is left behind', async () => {
  const bell = new Bell();
  const controller = new AbortController();
  const waiting = bell.rung(controller.signal);
  controller.abort();
  await waiting;
  await bell.rung(controller.signal);
  expect(getEventListeners(controller.signal, 'abort')).toEqual([]);
});
