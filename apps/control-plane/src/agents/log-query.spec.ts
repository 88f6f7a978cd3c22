import { expect, test } from 'vitest';
import { parseLogQuery, parseStreamQuery } from './log-query.js';

const now = Date.UTC(2026, 0, 1);
const log = (text: string) => parseLogQuery(new URLSearchParams(text), now);

test('reads what kubectl sends', () => {
  expect(log('')).toMatchObject({
    follow: false,
    tailLines: -1,
    sinceUnixMillis: 0,
    limitBytes: 0,
  });
  expect(log('follow=true&tailLines=0&sinceSeconds=60&timestamps=true&previous=1')).toEqual({
    follow: true,
    previous: true,
    timestamps: true,
    tailLines: 0,
    sinceUnixMillis: now - 60_000,
    limitBytes: 0,
  });
  expect(log('sinceTime=2025-12-31T00:00:00Z').sinceUnixMillis).toBe(now - 86_400_000);
});

test.each([
  ['tailLines=-1', 'tailLines'],
  ['tailLines=many', 'tailLines'],
  ['limitBytes=0', 'limitBytes'],
  ['sinceSeconds=0', 'sinceSeconds'],
  ['sinceTime=yesterday', 'sinceTime'],
  ['sinceSeconds=1&sinceTime=2025-12-31T00:00:00Z', 'at most one'],
  ['follow=perhaps', 'follow'],
])('refuses %s and names it', (text, name) => {
  expect(() => log(text)).toThrow(name);
});

test('a terminal has no stderr of its own, and something must be wanted', () => {
  const query = new URLSearchParams(
    'command=sh&command=-c&stdin=true&stdout=true&stderr=true&tty=true',
  );
  const parsed = { command: ['sh', '-c'], stdin: true, stdout: true, stderr: false, tty: true };
  expect(parseStreamQuery(query)).toEqual(parsed);
  expect(() => parseStreamQuery(new URLSearchParams('command=ls'))).toThrow('at least 1');
});
