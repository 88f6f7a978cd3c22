import { expect, test } from 'vitest';
import { encodeOpenApiV2 } from './gnostic.js';
import { type WireValue, WireReader } from './wire.js';

/** All values of a field, in order. */
function valuesOf(bytes: WireValue | undefined, number: number): WireValue[] {
  const reader = new WireReader(bytes as Uint8Array);
  const found: WireValue[] = [];
  for (let field = reader.next(); field; field = reader.next()) {
    if (field.number === number) found.push(field.value);
  }
  return found;
}

/** The value at the end of a path of field numbers, first of each. */
const at = (bytes: WireValue, ...path: number[]) =>
  path.reduce<WireValue | undefined>((value, number) => valuesOf(value, number)[0], bytes);
const text = (value: WireValue | undefined) => Buffer.from(value as Uint8Array).toString();

const encoded = encodeOpenApiV2({
  swagger: '2.0',
  info: { title: 'Gantry', version: 'v1' },
  paths: {
    '/pods': {
      patch: { parameters: [{ name: 'dryRun', in: 'query', type: 'string' }], 'x-gvk': [1] },
    },
  },
  definitions: {
    Pod: {
      type: 'object',
      required: ['name'],
      properties: { name: { type: 'string' }, owner: { $ref: '#/definitions/Owner' } },
    },
  },
});

test('writes the fields of openapi.v2.Document under their numbers', () => {
  expect([text(at(encoded, 1)), text(at(encoded, 2, 1))]).toEqual(['2.0', 'Gantry']);
  const patch = at(encoded, 8, 2, 2, 8)!;
  expect(text(at(encoded, 8, 2, 1))).toBe('/pods');
  expect(text(at(patch, 8, 1, 2, 3, 4))).toBe('dryRun');
  expect([text(at(patch, 13, 1)), text(at(patch, 13, 2, 2))]).toEqual(['x-gvk', '[1]']);
  const pod = at(encoded, 9, 1, 2)!;
  expect([text(at(encoded, 9, 1, 1)), text(at(pod, 22, 1)), text(at(pod, 19))]).toEqual([
    'Pod',
    'object',
    'name',
  ]);
  const [, owner] = valuesOf(at(pod, 25), 1);
  expect(text(at(owner!, 2, 1))).toBe('#/definitions/Owner');
});
