import { decode, describeFieldError, type ApiObject, type Kind } from '@gantry/api-machinery';
import { describe, expect, it } from 'vitest';
import { JoinTokenKind } from '../gantry/join-token.js';
import { ConfigMapKind } from './config-map.js';
import { EventKind } from './event.js';
import { NamespaceKind } from './namespace.js';
import { NodeKind } from './node.js';
import { SecretKind } from './secret.js';

function make<T extends ApiObject>(kind: Kind<T>, body: object): T {
  const { object } = decode(kind, JSON.stringify(body), { fieldValidation: 'Strict' });
  kind.setDefaults(object);
  return object;
}

function faults<T extends ApiObject>(kind: Kind<T>, body: object, old?: T): string[] {
  const errors = kind.validate(make(kind, body), old);
  return errors.map((error) => `${error.field}: ${describeFieldError(error)}`);
}

const metadata = { name: 'x', namespace: 'default' };
const base64 = (text: string) => Buffer.from(text).toString('base64');

describe('metadata', () => {
  it.each<[string, object, string]>([
    [
      'no name',
      { namespace: 'default' },
      'metadata.name: Required value: name or generateName is required',
    ],
    ['no namespace', { name: 'x' }, 'metadata.namespace: Required value'],
    [
      'a name with capitals',
      { ...metadata, name: 'Web' },
      'metadata.name: Invalid value: "Web": a lowercase RFC 1123 subdomain',
    ],
    [
      'a name that is a path',
      { ...metadata, name: '../etc' },
      'metadata.name: Invalid value: "../etc"',
    ],
    [
      'a name too long',
      { ...metadata, name: 'a'.repeat(254) },
      'must be no more than 253 characters',
    ],
    [
      'a bad label key',
      { ...metadata, labels: { 'a b': 'x' } },
      'metadata.labels: Invalid value: "a b": name part must consist of',
    ],
    [
      'a bad label value',
      { ...metadata, labels: { a: '-x' } },
      'metadata.labels: Invalid value: "-x"',
    ],
    [
      'too many annotations',
      { ...metadata, annotations: { a: 'x'.repeat(300_000) } },
      'metadata.annotations: Too long: may not be more than 262144 bytes',
    ],
    [
      'a doubled finalizer',
      { ...metadata, finalizers: ['a.b/c', 'a.b/c'] },
      'metadata.finalizers[1]: Duplicate value: "a.b/c"',
    ],
    [
      'an owner without uid',
      { ...metadata, ownerReferences: [{ apiVersion: 'v1', kind: 'Pod', name: 'p' }] },
      'metadata.ownerReferences[0].uid: Required value',
    ],
  ])('with %s is refused', (_, meta, expected) => {
    const found = faults(ConfigMapKind, { metadata: meta });
    expect(found).toHaveLength(1);
    expect(found[0]).toContain(expected);
  });

  it('of a dying object takes no new finalizer', () => {
    const old = make(ConfigMapKind, { metadata: { ...metadata, finalizers: ['a.b/c'] } });
    old.metadata.deletionTimestamp = '2026-01-01T00:00:00Z';
    const update = { metadata: { ...metadata, finalizers: ['a.b/c', 'a.b/d'] } };
    expect(faults(ConfigMapKind, update, old)[0]).toContain('no new finalizers');
  });
});

describe('ConfigMap', () => {
  it.each<[string, object, string]>([
    [
      'a key that is a path',
      { data: { '../x': 'y' } },
      "data[../x]: Invalid value: \"../x\": must not be '.' or start with '..'",
    ],
    [
      'a key twice',
      { data: { a: 'x' }, binaryData: { a: '' } },
      'data: Invalid value: "a": duplicate of key present in binaryData',
    ],
    [
      'more than a MiB',
      { data: { a: 'x'.repeat(1024 * 1024 + 1) } },
      'data: Too long: may not be more than 1048576 bytes',
    ],
  ])('with %s is refused', (_, body, expected) => {
    expect(faults(ConfigMapKind, { metadata, ...body })[0]).toContain(expected);
  });

  it('that is immutable stays', () => {
    const old = make(ConfigMapKind, { metadata, immutable: true, data: { a: '1' } });
    expect(faults(ConfigMapKind, { metadata, immutable: true, data: { a: '1' } }, old)).toEqual([]);
    expect(
      faults(ConfigMapKind, { metadata, immutable: true, data: { a: '2' } }, old)[0],
    ).toContain('data: Forbidden');
    expect(faults(ConfigMapKind, { metadata, data: { a: '1' } }, old)[0]).toContain(
      'immutable: Forbidden',
    );
  });
});

describe('Secret', () => {
  it('moves stringData into data and is Opaque by default', () => {
    const secret = make(SecretKind, {
      metadata,
      data: { a: base64('old'), b: base64('b') },
      stringData: { a: 'new' },
    });
    expect(secret).toMatchObject({ type: 'Opaque', data: { a: base64('new'), b: base64('b') } });
    expect(secret.stringData).toBeUndefined();
  });

  it.each<[string, object, string]>([
    [
      'no certificate',
      { type: 'kubernetes.io/tls', data: { 'tls.key': '' } },
      'data[tls.crt]: Required value',
    ],
    [
      'broken registry credentials',
      { type: 'kubernetes.io/dockerconfigjson', stringData: { '.dockerconfigjson': '{' } },
      'must be valid JSON',
    ],
    ['a bad key', { stringData: { 'a/b': 'x' } }, 'data[a/b]: Invalid value'],
  ])('with %s is refused', (_, body, expected) => {
    const [first = ''] = faults(SecretKind, { metadata, ...body });
    expect(first).toContain(expected);
    expect(first).not.toContain('{"auths');
  });
});

describe('Namespace', () => {
  it('is labelled with its name, is Active and waits for its content', () => {
    const namespace = make(NamespaceKind, { metadata: { name: 'team' } });
    NamespaceKind.prepareForCreate(namespace);
    expect(namespace).toMatchObject({
      metadata: { labels: { 'kubernetes.io/metadata.name': 'team' } },
      spec: { finalizers: ['kubernetes'] },
      status: { phase: 'Active' },
    });
  });
  it('has a DNS label for a name', () => {
    expect(faults(NamespaceKind, { metadata: { name: 'a.b' } })[0]).toContain('RFC 1123 label');
    expect(faults(NamespaceKind, { metadata: { name: 'a', namespace: 'b' } })[0]).toContain(
      'metadata.namespace: Forbidden',
    );
  });
});

describe('Node', () => {
  it.each<[string, object, string]>([
    [
      'one taint twice',
      {
        spec: {
          taints: [
            { key: 'a', effect: 'NoExecute' },
            { key: 'a', effect: 'NoExecute' },
          ],
        },
      },
      'spec.taints[1]: Duplicate value: "a:NoExecute"',
    ],
    [
      'an unknown effect',
      { spec: { taints: [{ key: 'a', effect: 'Never' }] } },
      'spec.taints[0].effect: Unsupported value: "Never"',
    ],
    [
      'a bad CIDR',
      { spec: { podCIDR: '10.0.0.0/33' } },
      'spec.podCIDRs[0]: Invalid value: "10.0.0.0/33": must be a valid CIDR value',
    ],
    [
      'a negative capacity',
      { status: { capacity: { cpu: '-1' } } },
      'status.capacity[cpu]: Invalid value: "-1"',
    ],
  ])('with %s is refused', (_, body, expected) => {
    expect(faults(NodeKind, { metadata: { name: 'n' }, ...body })[0]).toContain(expected);
  });
  it('keeps its addresses and, new, what the agent observed', () => {
    const node = make(NodeKind, {
      metadata: { name: 'n' },
      spec: { podCIDR: '10.0.0.0/24' },
      status: { capacity: { cpu: 2 } },
    });
    NodeKind.prepareForCreate(node);
    expect(node.status).toEqual({ capacity: { cpu: '2' } });
    const moved = { metadata: { name: 'n' }, spec: { podCIDR: '10.0.1.0/24' } };
    expect(faults(NodeKind, moved, node).at(-1)).toContain('spec.podCIDR: Forbidden');
  });
});

describe('Event and JoinToken', () => {
  it('Event lies in the namespace of its object', () => {
    const event = (namespace?: string) => ({
      metadata,
      involvedObject: { kind: 'Pod', name: 'p', namespace },
    });
    expect(faults(EventKind, event('default'))).toEqual([]);
    expect(faults(EventKind, event())).toEqual([]);
    expect(faults(EventKind, event('other'))[0]).toContain(
      'involvedObject.namespace: Invalid value: "other"',
    );
  });
  it('JoinToken counts no negative uses', () => {
    expect(faults(JoinTokenKind, { metadata: { name: 't' }, spec: { usesLeft: -1 } })).toHaveLength(
      1,
    );
    expect(faults(JoinTokenKind, { metadata: { name: 't' } })).toEqual([]);
  });
});
