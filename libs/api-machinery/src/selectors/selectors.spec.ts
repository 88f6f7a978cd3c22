import { describe, expect, it } from 'vitest';
import { defineKind } from '../define-kind.js';
import { ApiObject } from '../meta/object-meta.js';
import { compileFieldSelector, parseFieldSelector } from './field-selector.js';
import { formatSelector, matches, parseLabelSelector } from './label-selector.js';

const labels = { app: 'web', tier: 'front', 'example.com/zone': 'a', size: '5' };

describe('label selector', () => {
  it.each([
    ['', true],
    ['app=web', true],
    ['app==web', true],
    ['app = web', true],
    ['app!=web', false],
    ['other!=web', true],
    ['app in (web,db)', true],
    ['app in (db), tier', false],
    ['app notin (db)', true],
    ['missing notin (db)', true],
    ['tier', true],
    ['!tier', false],
    ['!missing,app=web', true],
    ['example.com/zone=a', true],
    ['size>4', true],
    ['size<4', false],
    ['app=', false],
  ])('%j: %s', (text, expected) =>
    expect(matches(parseLabelSelector(text), labels)).toBe(expected),
  );

  it.each([
    'a b',
    'app in web',
    'app in (a',
    '=x',
    'app=a=b',
    'x>y',
    'app=web,,',
    '-a=b',
    `a=${'x'.repeat(64)}`,
  ])('refuses %j', (text) => expect(() => parseLabelSelector(text)).toThrow(/label selector/));

  it('in objects: absent matches nothing, empty everything', () => {
    expect(matches(undefined, labels)).toBe(false);
    expect(matches({}, labels)).toBe(true);
    expect(
      matches({ matchExpressions: [{ key: 'app', operator: 'NotIn', values: ['web'] }] }, labels),
    ).toBe(false);
    expect(matches({ matchLabels: { toString: 'x' } }, {})).toBe(false);
  });

  it('is written as it is read', () => {
    for (const text of ['app=web', 'app in (a,b)', '!x', 'a!=b,c,d notin (e,f)', 'n>5']) {
      expect(formatSelector(parseLabelSelector(text))).toBe(text);
    }
  });
});

describe('field selector', () => {
  class Thing extends ApiObject {}
  const kind = defineKind<Thing>({
    version: 'v1',
    kind: 'Thing',
    plural: 'things',
    namespaced: true,
    type: Thing,
    selectableFields: { type: () => 'a,b' },
  });
  const thing: Thing = { metadata: { name: 'x', namespace: 'ns' } };

  it.each([
    ['', true],
    ['metadata.name=x', true],
    ['metadata.name==x,metadata.namespace!=other', true],
    ['metadata.name!=x', false],
    ['type=a\\,b', true],
  ])('%j: %s', (text, expected) => {
    expect(compileFieldSelector(kind, parseFieldSelector(text))(thing)).toBe(expected);
  });

  it('refuses what it cannot read or select by', () => {
    expect(() => parseFieldSelector('metadata.name')).toThrow(/can't understand/);
    expect(() => compileFieldSelector(kind, parseFieldSelector('spec.foo=1'))).toThrow(
      'field label not supported: spec.foo',
    );
    expect(() => compileFieldSelector(kind, parseFieldSelector('constructor=1'))).toThrow(
      /not supported/,
    );
  });
});
