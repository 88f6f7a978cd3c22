import { expect, it } from 'vitest';
import { RecentlyUsed } from './recently-used.js';

it('remembers what was used last, and no more than its bytes', () => {
  const recent = new RecentlyUsed<number>(100);
  for (let i = 0; i < 1_000; i += 1) {
    recent.set(String(i), i, 10);
    expect(recent.get('0')).toBe(0);
    expect(recent.get(String(i))).toBe(i);
  }
  const kept = Array.from({ length: 1_000 }, (_, i) => recent.get(String(i)));
  expect(kept.filter((value) => value !== undefined).length).toBeLessThanOrEqual(13);
});
