import { describe, expect, it } from 'vitest';
import { Field, list, map } from '../schema/field.js';
import { jsonMergePatch } from './json-merge.js';
import { jsonPatch } from './json-patch.js';
import { strategicMergePatch } from './strategic-merge.js';

class Env {
  @Field('string', 'Name.')
  name: string;

  @Field('string', 'Value.')
  value?: string;
}

class Box {
  @Field('string', 'Name.')
  name: string;

  @Field('string', 'Image.')
  image?: string;

  @Field(list(() => Env, { merge: 'name' }), 'Env.')
  env?: Env[];

  @Field(list('string'), 'Command.')
  command?: string[];
}

class Strategy {
  @Field('string', 'Type.')
  type?: string;

  @Field(map('string'), 'Bounds.')
  bounds?: Record<string, string>;
}

class Thing {
  @Field(map('string'), 'Labels.')
  labels?: Record<string, string>;

  @Field(list(() => Box, { merge: 'name' }), 'Boxes.')
  boxes?: Box[];

  @Field(list('string', { set: true }), 'Finalizers.')
  finalizers?: string[];

  @Field(() => Strategy, 'Strategy.', { retainKeys: true })
  strategy?: Strategy;
}

const current: Thing = {
  labels: { a: '1', b: '2' },
  boxes: [
    { name: 'web', image: 'web:1', env: [{ name: 'A', value: '1' }], command: ['x', 'y'] },
    { name: 'log', image: 'log:1' },
  ],
  finalizers: ['f1', 'f2'],
  strategy: { type: 'Rolling', bounds: { surge: '1' } },
};
const patched = (patch: object) => strategicMergePatch(Thing, current, patch);

describe('strategic merge patch', () => {
  it.each<[string, object, object]>([
    [
      'merges maps and deletes by null',
      { labels: { a: null, c: '3' } },
      { labels: { b: '2', c: '3' } },
    ],
    [
      'merges lists by key, adds what is new',
      {
        boxes: [
          { name: 'web', image: 'web:2' },
          { name: 'new', image: 'n', env: null },
        ],
      },
      {
        boxes: [
          { ...current.boxes?.[0], image: 'web:2' },
          current.boxes?.[1],
          { name: 'new', image: 'n' },
        ],
      },
    ],
    [
      'replaces atomic lists',
      { boxes: [{ name: 'web', command: ['z'] }] },
      { boxes: [{ ...current.boxes?.[0], command: ['z'] }, current.boxes?.[1]] },
    ],
    [
      'deletes items',
      { boxes: [{ name: 'web', $patch: 'delete' }] },
      { boxes: [current.boxes?.[1]] },
    ],
    [
      'deletes items inside items',
      { boxes: [{ name: 'web', env: [{ name: 'A', $patch: 'delete' }] }] },
      { boxes: [{ ...current.boxes?.[0], env: [] }, current.boxes?.[1]] },
    ],
    [
      'replaces whole lists',
      { boxes: [{ $patch: 'replace' }, { name: 'only' }] },
      { boxes: [{ name: 'only' }] },
    ],
    [
      'replaces whole structs',
      { strategy: { $patch: 'replace', type: 'Recreate' } },
      { strategy: { type: 'Recreate' } },
    ],
    ['deletes whole maps', { labels: { $patch: 'delete' } }, { labels: undefined }],
    [
      'orders elements',
      { '$setElementOrder/boxes': [{ name: 'log' }, { name: 'web' }] },
      { boxes: [current.boxes?.[1], current.boxes?.[0]] },
    ],
    [
      'orders while merging',
      { '$setElementOrder/boxes': [{ name: 'new' }, { name: 'web' }], boxes: [{ name: 'new' }] },
      { boxes: [{ name: 'new' }, current.boxes?.[1], current.boxes?.[0]] },
    ],
    ['adds to sets', { finalizers: ['f2', 'f3'] }, { finalizers: ['f1', 'f2', 'f3'] }],
    [
      'deletes from sets',
      { '$deleteFromPrimitiveList/finalizers': ['f1'] },
      { finalizers: ['f2'] },
    ],
    [
      'retains keys',
      { strategy: { $retainKeys: ['type'], type: 'Recreate' } },
      { strategy: { type: 'Recreate' } },
    ],
    ['keeps unknown fields for the decoder to judge', { bogus: { x: 1 } }, { bogus: { x: 1 } }],
  ])('%s', (_, patch, expected) => {
    const before = structuredClone(current);
    expect(patched(patch)).toEqual({ ...current, ...expected });
    expect(current).toEqual(before);
  });

  it.each<[string, object, string]>([
    [
      'no merge key',
      { boxes: [{ image: 'x' }] },
      'boxes[0]: does not contain declared merge key: name',
    ],
    [
      'an item that is no object',
      { boxes: ['x'] },
      'boxes[0]: an item of this list must be an object',
    ],
    ['an unknown directive', { strategy: { $patch: 'eat' } }, 'strategy: unknown $patch: "eat"'],
    ['a broken $retainKeys', { strategy: { $retainKeys: 'x' } }, '$retainKeys must be a list'],
    ['a list', [], 'must be a JSON object'],
  ])('refuses %s', (_, patch, expected) => expect(() => patched(patch)).toThrow(expected));

  it('never touches prototypes', () => {
    const result = patched(
      JSON.parse('{"__proto__":{"x":1},"labels":{"__proto__":"y"}}') as object,
    );
    expect(Object.getPrototypeOf(result)).toBe(Object.prototype);
    expect(({} as Record<string, unknown>)['x']).toBeUndefined();
  });
});

describe('JSON merge patch', () => {
  it.each<[unknown, unknown, unknown]>([
    [
      { a: 1, b: { c: 2, d: 3 } },
      { b: { c: null }, e: [1] },
      { a: 1, b: { d: 3 }, e: [1] },
    ],
    [{ a: [1, 2] }, { a: [3] }, { a: [3] }],
    [{ a: 1 }, { a: { b: { c: null, d: 1 } } }, { a: { b: { d: 1 } } }],
    [{ a: 1 }, 'x', 'x'],
  ])('%j + %j = %j', (target, patch, expected) =>
    expect(jsonMergePatch(target, patch)).toEqual(expected),
  );
});

describe('JSON patch', () => {
  it('adds, replaces, removes and tests on a copy', () => {
    const target = { a: { b: [1, 2] } };
    const result = jsonPatch(target, [
      { op: 'test', path: '/a/b/0', value: 1 },
      { op: 'add', path: '/a/b/-', value: 3 },
      { op: 'remove', path: '/a/b/0' },
      { op: 'replace', path: '/a/b/0', value: 9 },
    ]);
    expect(result).toEqual({ a: { b: [9, 3] } });
    expect(target).toEqual({ a: { b: [1, 2] } });
  });

  it.each<[string, unknown, string]>([
    ['no list', {}, 'must be an array'],
    ['a failed test', [{ op: 'test', path: '/a', value: 2 }], 'Test operation failed'],
    ['a missing path', [{ op: 'remove', path: '/nope' }], 'not exist'],
    [
      'an unknown operation',
      [{ op: 'eat', path: '/a' }],
      'Operation `op` property is not one of operations',
    ],
    ['a path into prototypes', [{ op: 'add', path: '/__proto__/x', value: 1 }], 'JSON'],
  ])('refuses %s', (_, patch, expected) =>
    expect(() => jsonPatch({ a: 1 }, patch)).toThrow(expected),
  );
});
