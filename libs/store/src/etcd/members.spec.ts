import { expect, test } from 'vitest';
import { systemClock } from '@gantry/base';
import { Members } from './members.js';

const fails = async () => {
  throw new Error('away');
};
const isAway = () => true;

function started(names: string[]) {
  const clock = { ...systemClock, now: () => clock.nowMs, nowMs: 0 };
  const members = new Members(names, clock);
  const called = async (count: number) => {
    const seen: string[] = [];
    for (let i = 0; i < count; i++) await members.call(async (name) => seen.push(name), isAway);
    return seen;
  };
  const failing = (name: string) =>
    members.call(async (each) => (each === name ? fails() : undefined), isAway).catch(() => {});
  return { clock, members, called, failing };
}

test('takes members in turn', async () => {
  const { called } = started(['a', 'b', 'c']);
  expect(await called(4)).toEqual(['a', 'b', 'c', 'a']);
});

test('leaves one alone for a second that failed twice in a row', async () => {
  const { clock, called, failing } = started(['a', 'b']);
  for (let i = 0; i < 4; i++) await failing('a');
  expect(await called(3)).toEqual(['b', 'b', 'b']);
  clock.nowMs = 1_000;
  expect(new Set(await called(2))).toEqual(new Set(['a', 'b']));
});

test('a refusal is nobody’s fault', async () => {
  const { members, called } = started(['a', 'b']);
  for (let i = 0; i < 4; i++) await members.call(fails, () => false).catch(() => {});
  expect(new Set(await called(2))).toEqual(new Set(['a', 'b']));
});

test('goes on asking the only one', async () => {
  const { called, failing } = started(['a']);
  for (let i = 0; i < 4; i++) await failing('a');
  expect(await called(2)).toEqual(['a', 'a']);
});
