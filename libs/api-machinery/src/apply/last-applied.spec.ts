import { expect, test } from 'vitest';
import { ApiObject } from '../meta/object-meta.js';
import { Field, map } from '../schema/field.js';
import type { FieldType } from '../schema/field.js';
import { pathsOf } from './field-set.js';
import { inherited } from './last-applied.js';

class Thing extends ApiObject {
  @Field(map('string'), 'Spec.')
  spec?: Record<string, string>;
}

const type: FieldType = { form: 'struct', struct: () => Thing };
const spec = { kept: 'a', changed: 'b' };

function fields(lastApplied: string | undefined, manager = 'kubectl'): string[] {
  const annotations = lastApplied === undefined ? undefined : { [key]: lastApplied };
  const live: Thing = { metadata: { name: 't', annotations }, spec: { ...spec, changed: 'c' } };
  return pathsOf(inherited(type, live, manager));
}

const key = 'kubectl.kubernetes.io/last-applied-configuration';

test('what client-side apply set and nobody changed is inherited', () => {
  expect(fields(JSON.stringify({ spec }))).toEqual(['.spec.kept']);
});

test.each([
  ['without the annotation', undefined, 'kubectl'],
  ['by another manager', JSON.stringify({ spec }), 'helm'],
  ['from what is no JSON', '{', 'kubectl'],
  ['from what is no object', '[1]', 'kubectl'],
  ['from fields of another shape', '{"spec":7,"metadata":[]}', 'kubectl'],
])('nothing is inherited %s', (_, lastApplied, manager) => {
  expect(fields(lastApplied, manager).filter((path) => path.startsWith('.spec.'))).toEqual([]);
});
