import { ManualClock } from '@gantry/testing';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { WorkQueue } from './work-queue.js';

const never = new AbortController().signal;

describe('WorkQueue', () => {
  it('gives out a key once however often it was added', async () => {
    const queue = new WorkQueue();
    for (const key of ['a', 'b', 'a', 'a']) queue.add(key);
    expect(queue.depth).toBe(2);
    expect([await queue.take(never), await queue.take(never)]).toEqual(['a', 'b']);
  });

  it('remembers a key that is added while it is worked on', async () => {
    const queue = new WorkQueue();
    queue.add('a');
    await queue.take(never);
    queue.add('a');
    queue.add('a');
    expect(queue.depth).toBe(0);
    queue.done('a');
    expect(await queue.take(never)).toBe('a');
    queue.done('a');
    expect(queue.idle).toBe(true);
  });

  it('wakes a waiting taker, and lets it go when it is told to stop', async () => {
    const queue = new WorkQueue();
    const waiting = queue.take(never);
    queue.add('a');
    expect(await waiting).toBe('a');
    const stop = new AbortController();
    const stopped = queue.take(stop.signal);
    stop.abort();
    expect(await stopped).toBeUndefined();
    queue.add('b');
    expect(await queue.take(never)).toBe('b');
  });

  it('delays a key, the shortest delay holding, and forgets the delay when it is added', () => {
    const clock = new ManualClock();
    const queue = new WorkQueue({ clock });
    queue.addAfter('a', 1_000);
    queue.addAfter('a', 300);
    queue.addAfter('a', 500);
    clock.advance(299);
    expect(queue.depth).toBe(0);
    clock.advance(1);
    expect(queue.depth).toBe(1);
    expect(clock.pending).toBe(0);
    queue.addAfter('b', 1_000);
    queue.add('b');
    expect([queue.depth, clock.pending]).toEqual([2, 0]);
  });

  it('waits longer after each failure, within its bounds, until the key is well', async () => {
    const clock = new ManualClock();
    const queue = new WorkQueue({ clock, baseDelayMs: 10, maxDelayMs: 1_000, random: () => 1 });
    const delays: number[] = [];
    for (let failure = 0; failure < 10; failure += 1) {
      queue.addRateLimited('a');
      let waited = 0;
      while (queue.depth === 0) {
        clock.advance(1);
        waited += 1;
      }
      delays.push(waited);
      await queue.take(never);
      queue.done('a');
    }
    expect(delays).toEqual([10, 20, 40, 80, 160, 320, 640, 1_000, 1_000, 1_000]);
    queue.forget('a');
    queue.addRateLimited('a');
    clock.advance(10);
    expect(queue.depth).toBe(1);
  });

  it('clears what waits and what is delayed', () => {
    const clock = new ManualClock();
    const queue = new WorkQueue({ clock });
    queue.add('a');
    queue.addAfter('b', 10);
    queue.clear();
    clock.advance(100);
    expect([queue.depth, clock.pending]).toEqual([0, 0]);
  });

  it('never gives out a key twice at once and loses none, whatever happens in between', async () => {
    const step = fc.record({
      action: fc.constantFrom('add', 'later', 'fail', 'take', 'done', 'wait'),
      key: fc.constantFrom('a', 'b', 'c'),
    });
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 60 }), async (steps) => {
        const clock = new ManualClock();
        const queue = new WorkQueue({ clock, baseDelayMs: 5, maxDelayMs: 50 });
        const working = new Set<string>();
        const owed = new Set<string>();
        const take = async () => {
          const key = await queue.take(never);
          expect(working.has(key!)).toBe(false);
          working.add(key!);
          owed.delete(key!);
        };
        for (const { action, key } of steps) {
          if (action === 'take' && queue.depth > 0) await take();
          if (action === 'wait') clock.advance(7);
          if (action === 'done' && working.delete(key)) queue.done(key);
          if (action === 'add') queue.add(key);
          if (action === 'later') queue.addAfter(key, 20);
          if (action === 'fail') queue.addRateLimited(key);
          if (['add', 'later', 'fail'].includes(action)) owed.add(key);
        }
        for (const key of working) queue.done(key);
        working.clear();
        clock.advance(100);
        while (queue.depth > 0) await take();
        expect(owed).toEqual(new Set());
      }),
      { numRuns: 300 },
    );
  });
});
