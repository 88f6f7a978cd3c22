import { describe, expect, it } from 'vitest';
import { Field, list, map } from '../schema/field.js';
import { threeWayMergePatch, threeWayStrategicPatch } from './strategic-diff.js';
import { strategicMergePatch } from './strategic-merge.js';

class Item {
  @Field('string', 'Name.')
  name: string;

  @Field('quantity', 'Size.')
  size?: string;

  @Field('string', 'Added by the server.')
  policy?: string;
}

class Strategy {
  @Field('string', 'Type.')
  type?: string;

  @Field('string', 'Bound.')
  bound?: string;
}

class Thing {
  @Field(map('string'), 'Labels.')
  labels?: Record<string, string>;

  @Field(list(() => Item, { merge: 'name' }), 'Items.')
  items?: Item[];

  @Field(list('string', { set: true }), 'Marks.')
  marks?: string[];

  @Field(list('string'), 'Words.')
  words?: string[];

  @Field(() => Strategy, 'Strategy.', { retainKeys: true })
  strategy?: Strategy;

  @Field('int32', 'Count.')
  count?: number;
}

interface Case {
  original?: Thing;
  modified: Thing;
  current: Thing;
  patch: object;
}

const current: Thing = {
  labels: { mine: '1', others: '2' },
  items: [{ name: 'a', size: '1', policy: 'x' }, { name: 'b', policy: 'x' }, { name: 'theirs' }],
  marks: ['m', 'theirs'],
  words: ['w'],
  strategy: { type: 'Rolling', bound: '1' },
  count: 3,
};

describe('three-way strategic patch', () => {
  it.each<[string, Case]>([
    [
      'nothing when all is as wanted',
      {
        modified: { labels: { mine: '1' }, items: [{ name: 'a' }], words: ['w'] },
        current,
        patch: {},
      },
    ],
    [
      'nothing for another spelling of an amount',
      { modified: { items: [{ name: 'a', size: '1000m' }] }, current, patch: {} },
    ],
    [
      'what is new and what changed',
      {
        modified: { labels: { mine: '9', new: '3' }, count: 4 },
        current,
        patch: { labels: { mine: '9', new: '3' }, count: 4 },
      },
    ],
    [
      'null for what was applied before and is no longer',
      {
        original: { labels: { mine: '1' }, count: 3 },
        modified: { labels: {} },
        current,
        patch: { labels: { mine: null }, count: null },
      },
    ],
    [
      'nothing for what was applied before and is gone already',
      {
        original: { labels: { gone: '1' } },
        modified: {},
        current: { labels: undefined },
        patch: {},
      },
    ],
    [
      'changed, new and deleted items with their order',
      {
        original: { items: [{ name: 'a' }, { name: 'b' }] },
        modified: { items: [{ name: 'c' }, { name: 'a', size: '2' }] },
        current,
        patch: {
          '$setElementOrder/items': [{ name: 'c' }, { name: 'a' }],
          items: [{ name: 'c' }, { name: 'a', size: '2' }, { $patch: 'delete', name: 'b' }],
        },
      },
    ],
    [
      'the order alone',
      {
        modified: { items: [{ name: 'b' }, { name: 'a' }] },
        current,
        patch: { '$setElementOrder/items': [{ name: 'b' }, { name: 'a' }] },
      },
    ],
    [
      'sets by addition and removal',
      {
        original: { marks: ['m'] },
        modified: { marks: ['n'] },
        current,
        patch: { marks: ['n'], '$deleteFromPrimitiveList/marks': ['m'] },
      },
    ],
    [
      'atomic lists whole',
      { modified: { words: ['w', 'v'] }, current, patch: { words: ['w', 'v'] } },
    ],
    [
      'retained keys',
      {
        modified: { strategy: { type: 'Recreate' } },
        current,
        patch: { strategy: { $retainKeys: ['type'], type: 'Recreate' } },
      },
    ],
  ])('holds %s', (_, { original, modified, current: now, patch }) => {
    const made = threeWayStrategicPatch(Thing, original, modified, now);
    expect(made).toEqual(patch);
    const applied = strategicMergePatch(Thing, now, made);
    expect(threeWayStrategicPatch(Thing, original, modified, applied)).toEqual({});
  });

  it('leaves what others set', () => {
    const modified: Thing = {
      labels: { mine: '1' },
      items: [{ name: 'a', size: '5' }],
      marks: ['m'],
    };
    const made = threeWayStrategicPatch(Thing, modified, modified, current);
    expect(strategicMergePatch(Thing, current, made)).toMatchObject({
      labels: { others: '2' },
      items: [{ name: 'a', size: '5', policy: 'x' }, { name: 'b' }, { name: 'theirs' }],
      marks: ['m', 'theirs'],
    });
  });
});

describe('three-way merge patch', () => {
  it('goes by plain JSON', () => {
    const original = { a: 1, b: { c: 1, d: 1 } };
    const modified = { b: { c: 2 }, e: [1] };
    expect(threeWayMergePatch(original, modified, { a: 1, b: { c: 1, d: 1, x: 1 }, y: 1 })).toEqual(
      {
        a: null,
        b: { c: 2, d: null },
        e: [1],
      },
    );
  });
});
