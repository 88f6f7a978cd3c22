import { describe, expect, it } from 'vitest';
import { defineKind } from '../define-kind.js';
import { ApiObject } from '../meta/object-meta.js';
import { Field, list, map } from '../schema/field.js';
import { difference, intersection, pathsOf, union } from './field-set.js';
import { serverSideApply, trackUpdate } from './server-side-apply.js';

class Port {
  @Field('int32', 'Port.')
  port: number;

  @Field('string', 'Protocol.', { default: 'TCP' })
  protocol?: string;
}

class Box {
  @Field('string', 'Name.')
  name: string;

  @Field('string', 'Image.')
  image?: string;

  @Field(list('string'), 'Command.')
  command?: string[];

  @Field(list(() => Port, { merge: 'port', keys: ['port', 'protocol'] }), 'Ports.')
  ports?: Port[];
}

class Spec {
  @Field('int32', 'Replicas.')
  replicas?: number;

  @Field(map('string'), 'Selector.')
  selector?: Record<string, string>;

  @Field(list(() => Box, { merge: 'name' }), 'Boxes.')
  boxes?: Box[];
}

class Thing extends ApiObject {
  @Field(() => Spec, 'Spec.')
  spec?: Spec;

  @Field(map('string'), 'Status.')
  status?: Record<string, string>;
}

const kind = defineKind<Thing>({
  group: 'apps',
  version: 'v1',
  kind: 'Thing',
  plural: 'things',
  namespaced: true,
  type: Thing,
});
const time = '2026-01-01T00:00:00Z';
const thing = (spec: Spec, labels?: Record<string, string>): Thing => ({
  apiVersion: 'apps/v1',
  kind: 'Thing',
  metadata: { name: 't', namespace: 'n', ...(labels && { labels }) },
  spec,
});
const apply = (live: Thing | undefined, applied: Thing, manager: string, force = false) =>
  serverSideApply(kind, live, applied, { manager, time, force });
const update = (old: Thing | undefined, next: Thing, manager: string) => {
  const object = structuredClone(next);
  trackUpdate(kind, old, object, { manager, time });
  return object;
};
const owners = ({ metadata }: Thing) =>
  Object.fromEntries(
    (metadata.managedFields ?? []).map(({ manager, operation, fieldsV1 = {} }) => [
      `${manager} ${operation}`,
      pathsOf(fieldsV1),
    ]),
  );

describe('sets of fields', () => {
  const a = { 'f:x': {}, 'f:y': { '.': {}, 'f:z': {} } };
  const b = { 'f:y': { 'f:z': {} }, 'f:w': {} };
  it('unite, intersect and subtract', () => {
    expect(pathsOf(union(a, b))).toEqual(['.x', '.y', '.y.z', '.w']);
    expect(pathsOf(intersection(a, b))).toEqual(['.y.z']);
    expect(pathsOf(difference(a, b))).toEqual(['.x', '.y']);
    expect(difference(a, a)).toEqual({});
  });
});

describe('server-side apply', () => {
  const first = thing(
    { replicas: 2, boxes: [{ name: 'a', image: 'a:1', ports: [{ port: 80 }] }] },
    { app: 't' },
  );

  it('makes an object whose fields belong to the manager', () => {
    const made = apply(undefined, first, 'me');
    expect(made.spec).toEqual(first.spec);
    expect(owners(made)).toEqual({
      'me Apply': [
        '.metadata.labels.app',
        '.spec.replicas',
        '.spec.boxes[name="a"]',
        '.spec.boxes[name="a"].name',
        '.spec.boxes[name="a"].image',
        '.spec.boxes[name="a"].ports[port=80,protocol="TCP"]',
        '.spec.boxes[name="a"].ports[port=80,protocol="TCP"].port',
      ],
    });
  });

  it('merges what different managers say, and removes what its manager no longer says', () => {
    const made = apply(undefined, first, 'me');
    const both = apply(made, thing({ boxes: [{ name: 'b', image: 'b:1' }] }, { team: 'x' }), 'you');
    expect(both.metadata.labels).toEqual({ app: 't', team: 'x' });
    expect(both.spec?.boxes?.map(({ name }) => name)).toEqual(['a', 'b']);
    const less = apply(both, thing({ replicas: 2 }), 'me');
    expect(less.spec).toEqual({ replicas: 2, boxes: [{ name: 'b', image: 'b:1' }] });
    expect(less.metadata.labels).toEqual({ team: 'x' });
  });

  it('keeps what two managers say alike until neither says it', () => {
    const both = apply(
      apply(undefined, thing({ replicas: 3 }), 'me'),
      thing({ replicas: 3 }),
      'you',
    );
    const one = apply(both, thing({ selector: { a: 'b' } }), 'me');
    expect(one.spec).toEqual({ replicas: 3, selector: { a: 'b' } });
    expect(apply(one, thing({}), 'you').spec).toEqual({ selector: { a: 'b' } });
  });

  it('refuses to change what others own, unless forced', () => {
    const made = update(undefined, first, 'kubectl-create');
    const other = thing({ replicas: 5 });
    expect(() => apply(made, other, 'me')).toThrow(
      'Apply failed with 1 conflict: conflict with "kubectl-create" using apps/v1: .spec.replicas',
    );
    const forced = apply(made, other, 'me', true);
    expect(forced.spec?.replicas).toBe(5);
    expect(owners(forced)['me Apply']).toEqual(['.spec.replicas']);
    expect(owners(forced)['kubectl-create Update']).not.toContain('.spec.replicas');
    try {
      apply(made, thing({ replicas: 5, boxes: [{ name: 'a', image: 'a:2' }] }), 'me');
      expect.unreachable();
    } catch (error) {
      expect(error).toMatchObject({
        reason: 'Conflict',
        details: {
          causes: [
            { reason: 'FieldManagerConflict', field: '.spec.replicas' },
            { reason: 'FieldManagerConflict', field: '.spec.boxes[name="a"].image' },
          ],
        },
      });
    }
  });

  it('changes nothing when nothing changes, times included', () => {
    const made = apply(undefined, first, 'me');
    const again = serverSideApply(kind, made, first, {
      manager: 'me',
      time: '2030-01-01T00:00:00Z',
    });
    expect(again).toEqual(made);
  });

  it('treats atomic lists as one field', () => {
    const command = (...words: string[]) => thing({ boxes: [{ name: 'a', command: words }] });
    const made = apply(undefined, command('x', 'y'), 'me');
    expect(() => apply(made, command('x'), 'you')).toThrow('.spec.boxes[name="a"].command');
    expect(apply(made, command('x'), 'me').spec?.boxes?.[0]?.command).toEqual(['x']);
  });

  it('owns no status and refuses managedFields', () => {
    const made = apply(undefined, { ...first, status: { phase: 'x' } }, 'me');
    expect(owners(made)['me Apply']?.some((path) => path.startsWith('.status'))).toBe(false);
    expect(() => apply(undefined, made, 'me')).toThrow('metadata.managedFields must be nil');
  });
});

describe('ordinary writes', () => {
  it('take what they change, and forget what is gone', () => {
    const made = apply(undefined, thing({ replicas: 1, selector: { a: '1', b: '1' } }), 'me');
    const scaled = structuredClone(made);
    scaled.spec = { replicas: 4, selector: { a: '1' } };
    const tracked = update(made, scaled, 'autoscaler');
    expect(owners(tracked)).toEqual({
      'me Apply': ['.spec.selector.a'],
      'autoscaler Update': ['.spec.replicas'],
    });
    expect(() => apply(tracked, thing({ replicas: 1, selector: { a: '1' } }), 'me')).toThrow(
      '"autoscaler"',
    );
  });
});
