import type { ApiObject } from '@gantry/api-machinery';
import { describe, expect, it } from 'vitest';
import { freezeShared, objectText, versionedText } from './object-text.js';

const sets = [
  { 'f:spec': { 'f:containers': { 'k:{"name":"main"}': { '.': {}, 'f:image': {} } } } },
  { 'f:metadata': { 'f:labels': { 'f:a"\\\n\u2028': {} } } },
  {},
];
for (const set of sets.slice(0, 2)) freezeShared(set);

const entry = (i: number) => ({ manager: `m"${i}`, operation: 'Update', fieldsV1: sets[i] });
const metadata: object[] = [
  {},
  { name: 'a' },
  { name: 'a', managedFields: [] },
  { managedFields: [entry(0)] },
  { name: 'ü\u2028', managedFields: [entry(0), entry(1), entry(2)], uid: undefined },
  { managedFields: [{ fieldsV1: sets[1] }, {}, { ...entry(0), subresource: 'status' }] },
];
const others: object[] = [
  {},
  { spec: { a: ['"', null] }, status: {} },
  { data: { metadata: { x: '}' } }, spec: undefined },
];

const objects: ApiObject[] = metadata.flatMap((each) =>
  others.flatMap((rest) => [
    { ...rest, metadata: each, kind: 'Pod', apiVersion: 'v1' },
    { metadata: each, ...rest },
  ]),
);

describe('the text of an object', () => {
  it('says what JSON.stringify says of it', () => {
    // Twice: the second time sets of managed fields are remembered.
    for (const object of [...objects, ...objects]) {
      expect(JSON.parse(objectText(object))).toEqual(JSON.parse(JSON.stringify(object)));
    }
  });

  it('is made once for sets that nobody can change', () => {
    expect(() => Object.assign(sets[0]!['f:spec']!, { 'f:x': {} })).toThrow(TypeError);
    const own = { 'f:spec': {} };
    const object = { metadata: { managedFields: [{ fieldsV1: own }] } } as unknown as ApiObject;
    expect(objectText(object)).toContain('{"f:spec":{}}');
    Object.assign(own, { 'f:data': {} });
    expect(objectText(object)).toContain('{"f:spec":{},"f:data":{}}');
  });

  it('gets its version put into it where it is stored without', () => {
    for (const object of objects) {
      const text = versionedText(objectText(object), '7');
      if (text === undefined) continue;
      const versioned = { ...object, metadata: { ...object.metadata, resourceVersion: '7' } };
      expect(JSON.parse(text)).toEqual(JSON.parse(JSON.stringify(versioned)));
    }
  });

  it('is not touched where the place is not certain', () => {
    const head = '{"apiVersion":"v1","kind":"Pod",';
    expect(versionedText(`${head}"metadata":{"name":"a"}}`, '7')).toBe(
      `${head}"metadata":{"resourceVersion":"7","name":"a"}}`,
    );
    const uncertain = [
      `${head}"metadata":{}}`,
      `${head}"metadata":{"name":"a","resourceVersion":"1"}}`,
      `${head} "metadata":{"name":"a"}}`,
      `${head}"spec":{},"metadata":{"name":"a"}}`,
      '{"kind":"Pod","apiVersion":"v1","metadata":{"name":"a"}}',
      String.raw`{"apiVersion":"v1\"","kind":"Pod","metadata":{"name":"a"}}`,
      '',
    ];
    for (const text of uncertain) expect(versionedText(text, '7')).toBeUndefined();
  });
});
