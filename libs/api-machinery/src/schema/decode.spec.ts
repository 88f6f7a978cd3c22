import { describe, expect, it } from 'vitest';
import { defineKind } from '../define-kind.js';
import { ApiObject } from '../meta/object-meta.js';
import { decode } from './decode.js';
import { findDuplicateKeys } from './duplicate-keys.js';
import { Field, list, map } from './field.js';

class Part {
  @Field('string', 'Name.')
  name?: string;

  @Field('int32', 'Count.')
  count?: number;
}

class WidgetSpec {
  @Field('int32', 'Replicas.')
  replicas?: number;

  @Field(list(() => Part, { merge: 'name' }), 'Parts.')
  parts?: Part[];

  @Field(map('quantity'), 'Sizes.')
  sizes?: Record<string, string>;

  @Field('time', 'Until.')
  until?: string;

  @Field('intOrString', 'Port.')
  port?: number | string;

  @Field('bytes', 'Blob.')
  blob?: string;

  @Field('boolean', 'On.')
  on?: boolean;
}

class Widget extends ApiObject {
  @Field(() => WidgetSpec, 'Spec.')
  spec?: WidgetSpec;
}

const kind = defineKind<Widget>({
  group: 'example.com',
  version: 'v1',
  kind: 'Widget',
  plural: 'widgets',
  namespaced: true,
  type: Widget,
});

const text = (spec: string) =>
  `{"apiVersion":"example.com/v1","kind":"Widget","metadata":{"name":"w","creationTimestamp":null},"spec":${spec}}`;
const strict = (body: string) => decode(kind, body, { fieldValidation: 'Strict' }).object;
const subject = 'Widget in version "v1" cannot be handled as a Widget: ';

describe('decoding', () => {
  it('normalises scalars and drops nulls', () => {
    const object = strict(
      text(
        '{"replicas":null,"sizes":{"a":0.5,"b":"1024Ki"},"until":"2026-01-01T10:00:00.9+01:00","port":"http","blob":"aGk=","on":true}',
      ),
    );
    expect(object).toEqual({
      apiVersion: 'example.com/v1',
      kind: 'Widget',
      metadata: { name: 'w' },
      spec: {
        sizes: { a: '500m', b: '1Mi' },
        until: '2026-01-01T09:00:00Z',
        port: 'http',
        blob: 'aGk=',
        on: true,
      },
    });
  });

  it('adds the type when it is missing', () => {
    expect(strict('{"metadata":{"name":"w"}}')).toMatchObject({
      apiVersion: 'example.com/v1',
      kind: 'Widget',
    });
  });

  it.each([
    ['{"bogus":1}', 'strict decoding error: unknown field "spec.bogus"'],
    [
      '{"parts":[{"name":"a"},{"nane":"b"}]}',
      'strict decoding error: unknown field "spec.parts[1].nane"',
    ],
    ['{"replicas":1,"replicas":2}', 'strict decoding error: duplicate field "spec.replicas"'],
    [
      '{"parts":[{"name":"a","name":"a"}],"x":1}',
      'strict decoding error: unknown field "spec.x", duplicate field "spec.parts[0].name"',
    ],
    [
      '{"replicas":"3"}',
      'json: cannot unmarshal string into a field of type int32: field "spec.replicas"',
    ],
    ['{"replicas":1.5}', 'cannot unmarshal number 1.5 into a field of type int32'],
    ['{"replicas":3000000000}', 'cannot unmarshal number 3000000000 into a field of type int32'],
    ['{"parts":{}}', 'cannot unmarshal object into a list: field "spec.parts"'],
    ['{"parts":[null]}', 'field "spec.parts[0]"'],
    ['{"parts":["x"]}', 'cannot unmarshal string into Part: field "spec.parts[0]"'],
    ['{"sizes":{"a":"12Zi"}}', 'quantities must match'],
    ['{"sizes":{"__proto__":"1"}}', 'refused key "__proto__"'],
    ['{"until":"soon"}', 'cannot parse "soon" as a time'],
    ['{"blob":"%%"}', 'illegal base64 data'],
    ['{"on":"yes"}', 'cannot unmarshal string into a field of type bool'],
  ])('refuses %s', (spec, expected) => {
    expect(() => strict(text(spec))).toThrow(subject);
    expect(() => strict(text(spec))).toThrow(expected);
  });

  it.each([
    ['{', /not valid JSON/],
    ['[]', /must be a JSON object, not array/],
    ['null', /must be a JSON object/],
    [
      '{"kind":"Pod"}',
      /the kind in the data \("Pod"\) does not match the expected kind \(Widget\)/,
    ],
    ['{"apiVersion":"v1"}', /the API version in the data \("v1"\) does not match/],
  ])('refuses the body %s', (body, expected) => expect(() => strict(body)).toThrow(expected));

  it('warns or keeps silent as asked, and drops what it does not know', () => {
    const body = text('{"bogus":1,"on":true,"on":false}');
    const warned = decode(kind, body);
    expect(warned.warnings).toEqual(['unknown field "spec.bogus"', 'duplicate field "spec.on"']);
    expect(warned.object.spec).toEqual({ on: false });
    expect(decode(kind, body, { fieldValidation: 'Ignore' }).warnings).toEqual([]);
  });
});

describe('duplicate keys', () => {
  it.each<[string, string[]]>([
    ['{"a":1,"b":{"a":2}}', []],
    ['{"a":"a","b":"a"}', []],
    ['{"a":{"b":1,"b":2}}', ['a.b']],
    ['{"a":[{"b":1},{"b":1,"c":"\\"b\\":","b":2}]}', ['a[1].b']],
    ['[[{"x":1,"x":2}]]', ['[0][0].x']],
    ['{"a\\u0062":1,"ab":2}', ['ab']],
    ['{"a":"\\\\","a":1}', ['a']],
  ])('%s: %j', (json, expected) => expect(findDuplicateKeys(json)).toEqual(expected));
});
