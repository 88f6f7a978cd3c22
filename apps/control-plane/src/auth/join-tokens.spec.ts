import { JoinTokenKind, type JoinToken } from '@gantry/api';
import { timestamp } from '@gantry/base';
import { ObjectStore } from '@gantry/controller';
import { EmbeddedStore } from '@gantry/store';
import { ManualClock } from '@gantry/testing';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { issueOnCreate, useJoinToken } from './join-tokens.js';

let store: EmbeddedStore;
let objects: ObjectStore;
const clock = new ManualClock();

async function create(name: string, spec: JoinToken['spec']): Promise<string> {
  const object = { metadata: { name }, spec } as JoinToken;
  const answer = issueOnCreate(object);
  const stored = await objects.create(JoinTokenKind, object);
  expect(stored.status).toBeUndefined();
  return answer(stored).status?.token ?? '';
}

beforeEach(() => {
  store = new EmbeddedStore();
  objects = new ObjectStore(store);
});
afterEach(() => store.close());

describe('join tokens', () => {
  it('are stored as a hash, whatever the creator sent', async () => {
    const token = await create('one', { hash: 'a'.repeat(64) });
    const entry = await store.get('registry/gantry.dev/jointokens/one');
    const value = new TextDecoder().decode(entry?.value);
    expect(token).toMatch(/^one\.[\w-]{32}$/);
    expect(value).not.toContain(token.split('.')[1]);
    expect(value).not.toContain('aaaa');
  });

  it('are good for as many nodes as they say, also at once', async () => {
    const token = await create('two', { usesLeft: 3 });
    const uses = Array.from({ length: 5 }, () => useJoinToken(objects, clock, token));
    const outcomes = await Promise.allSettled(uses);
    expect(outcomes.filter(({ status }) => status === 'fulfilled')).toHaveLength(3);
    const refused = useJoinToken(objects, clock, token);
    await expect(refused).rejects.toMatchObject({
      reason: 'Unauthorized',
      message: 'the join token is used up: create another with `gantry token create`',
    });
  });

  it('end when their time is up', async () => {
    const token = await create('three', { expiresAt: timestamp(clock.now() + 60_000) });
    await useJoinToken(objects, clock, token);
    clock.advance(60_000);
    await expect(useJoinToken(objects, clock, token)).rejects.toThrow('expired at');
  });

  it('without bounds stay as they are', async () => {
    const token = await create('four.with.dots', {});
    await useJoinToken(objects, clock, token);
    const used = await useJoinToken(objects, clock, token);
    expect(used.spec.usesLeft).toBeUndefined();
    expect(used.status?.lastUsedAt).toBe(timestamp(clock.now()));
  });

  it('that are wrong are all refused alike', async () => {
    const token = await create('five', {});
    const wrong = [
      `${token}x`,
      token.slice(0, -1),
      'five.',
      'six.abc',
      '',
      '.',
      'a/b.c',
      'x'.repeat(600),
    ];
    for (const each of wrong) {
      await expect(useJoinToken(objects, clock, each)).rejects.toMatchObject({
        reason: 'Unauthorized',
        message: expect.stringContaining('not known here'),
      });
    }
  });
});
