import { ConfigMapKind, NamespaceKind, SecretKind, type ConfigMap, type Secret } from '@gantry/api';
import { EmbeddedStore } from '@gantry/store';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { ObjectEvent } from './object-events.js';
import { ObjectStore } from './object-store.js';
import { AesGcmTransform } from './value-transform.js';

let store: EmbeddedStore;
let objects: ObjectStore;

const configMap = (name: string, data: Record<string, string> = {}, namespace = 'default') =>
  ({ metadata: { name, namespace }, data }) as ConfigMap;

beforeEach(() => {
  store = new EmbeddedStore();
  objects = new ObjectStore(store);
});
afterEach(() => store.close());

describe('ObjectStore', () => {
  it('creates once, with uid, time and version, and leaves the given object alone', async () => {
    const given = configMap('a', { k: 'v' });
    const created = await objects.create(ConfigMapKind, given);
    expect(created.metadata.uid).toMatch(/^[0-9a-f-]{36}$/);
    expect(created.metadata.creationTimestamp).toMatch(/^\d{4}-.*Z$/);
    expect(given.metadata.uid).toBeUndefined();
    const read = await objects.get(ConfigMapKind, 'default', 'a');
    expect(read).toEqual({ apiVersion: 'v1', kind: 'ConfigMap', ...created });
    await expect(objects.create(ConfigMapKind, given)).rejects.toMatchObject({
      reason: 'AlreadyExists',
      message: 'configmaps "a" already exists',
    });
    expect(await objects.get(ConfigMapKind, 'other', 'a')).toBeUndefined();
  });

  it('creates copies at one revision, each as if it had been created alone', async () => {
    const model = { ...configMap('any', { k: 'v' }), immutable: true };
    const guard = await objects.create(NamespaceKind, { metadata: { name: 'default' } });
    const beside = [{ kind: NamespaceKind, object: guard }];
    const copies = await objects.createCopies(ConfigMapKind, model, ['a', 'b'], beside);
    expect(new Set(copies?.map(({ metadata }) => metadata.resourceVersion)).size).toBe(1);
    expect(new Set(copies?.map(({ metadata }) => metadata.uid)).size).toBe(2);
    for (const copy of copies ?? []) {
      const read = await objects.get(ConfigMapKind, 'default', copy.metadata.name!);
      expect(read).toEqual({ apiVersion: 'v1', kind: 'ConfigMap', ...copy });
    }
    const again = objects.createCopies(ConfigMapKind, model, ['c', 'b'], beside);
    await expect(again).rejects.toMatchObject({
      reason: 'AlreadyExists',
      message: 'configmaps "b" already exists',
    });
    const labels = { changed: 'yes' };
    await objects.update(NamespaceKind, { ...guard, metadata: { ...guard.metadata, labels } });
    expect(await objects.createCopies(ConfigMapKind, model, ['c'], beside)).toBeUndefined();
    expect(await objects.get(ConfigMapKind, 'default', 'c')).toBeUndefined();
  });

  it('stores the version beside the object, not in it', async () => {
    await objects.create(ConfigMapKind, configMap('a'));
    const entry = await store.get('registry/core/configmaps/default/a');
    const value = JSON.parse(new TextDecoder().decode(entry?.value));
    expect(value.metadata).not.toHaveProperty('resourceVersion');
  });

  it('updates only the version that the caller has seen', async () => {
    const first = await objects.create(ConfigMapKind, configMap('a', { k: '1' }));
    const second = await objects.update(ConfigMapKind, { ...first, data: { k: '2' } });
    const stale = objects.update(ConfigMapKind, { ...first, data: { k: '3' } });
    await expect(stale).rejects.toMatchObject({ reason: 'Conflict' });
    expect(await objects.get(ConfigMapKind, 'default', 'a')).toMatchObject({ data: { k: '2' } });
    const { resourceVersion: _, ...metadata } = second.metadata;
    await objects.update(ConfigMapKind, { ...second, metadata, data: { k: '4' } });
    expect(await objects.get(ConfigMapKind, 'default', 'a')).toMatchObject({ data: { k: '4' } });
    await objects.remove(ConfigMapKind, 'default', 'a');
    await expect(objects.update(ConfigMapKind, first)).rejects.toMatchObject({
      reason: 'NotFound',
    });
    const unconditional = objects.update(ConfigMapKind, configMap('a'));
    await expect(unconditional).rejects.toMatchObject({ reason: 'NotFound' });
  });

  it('mutates under contention without losing an update', async () => {
    await objects.create(ConfigMapKind, configMap('counter', { n: '0' }));
    const increment = () =>
      objects.mutate(ConfigMapKind, 'default', 'counter', (current) => {
        current.data = { n: String(Number(current.data?.['n']) + 1) };
        return current;
      });
    await Promise.all(Array.from({ length: 6 }, increment));
    const counter = await objects.get(ConfigMapKind, 'default', 'counter');
    expect(counter?.data).toEqual({ n: '6' });
  });

  it('does not write what does not change', async () => {
    const created = await objects.create(ConfigMapKind, configMap('a', { k: 'v' }));
    for (const change of [() => undefined, (current: ConfigMap) => current]) {
      const same = await objects.mutate(ConfigMapKind, 'default', 'a', change);
      expect(same.metadata.resourceVersion).toBe(created.metadata.resourceVersion);
    }
    const { revision } = await store.range('');
    expect(String(revision)).toBe(created.metadata.resourceVersion);
  });

  it('removes what was meant and nothing else', async () => {
    const created = await objects.create(ConfigMapKind, configMap('a'));
    const wrongUid = objects.remove(ConfigMapKind, 'default', 'a', { uid: 'other' });
    await expect(wrongUid).rejects.toMatchObject({ reason: 'Conflict' });
    const wrongVersion = objects.remove(ConfigMapKind, 'default', 'a', { resourceVersion: '1' });
    await expect(wrongVersion).rejects.toMatchObject({ reason: 'Conflict' });
    const { uid, resourceVersion } = created.metadata;
    await objects.remove(ConfigMapKind, 'default', 'a', { uid, resourceVersion });
    const again = objects.remove(ConfigMapKind, 'default', 'a');
    await expect(again).rejects.toMatchObject({ reason: 'NotFound' });
  });

  it('refuses names that reach into other places', async () => {
    for (const name of ['../x', 'a/b', '', 'a\0']) {
      const got = objects.get(ConfigMapKind, 'default', name);
      await expect(got).rejects.toMatchObject({ reason: 'BadRequest' });
    }
    const missing = objects.get(ConfigMapKind, undefined, 'a');
    await expect(missing).rejects.toMatchObject({ reason: 'BadRequest' });
  });

  it('lists by namespace, in pages at one version', async () => {
    for (let index = 0; index < 5; index += 1) {
      await objects.create(ConfigMapKind, configMap(`m${index}`, {}, index < 3 ? 'one' : 'two'));
    }
    const first = await objects.list(ConfigMapKind, { limit: 2 });
    expect(first).toMatchObject({ remainingItemCount: 3 });
    await objects.remove(ConfigMapKind, 'two', 'm4');
    const rest = await objects.list(ConfigMapKind, {
      continue: first.continue,
      resourceVersion: first.resourceVersion,
    });
    const names = [...first.items, ...rest.items].map((item) => item.metadata.name);
    expect(names).toEqual(['m0', 'm1', 'm2', 'm3', 'm4']);
    expect(rest.resourceVersion).toBe(first.resourceVersion);
    const two = await objects.list(ConfigMapKind, { namespace: 'two' });
    expect(two.items.map((item) => item.metadata.name)).toEqual(['m3']);
    await objects.create(NamespaceKind, { metadata: { name: 'two' }, spec: {} });
    expect((await objects.list(NamespaceKind)).items).toHaveLength(1);
  });

  it('watches with types, versions and previous states', async () => {
    const created = await objects.create(ConfigMapKind, configMap('a', { k: '1' }));
    const stop = new AbortController();
    const events: ObjectEvent<ConfigMap>[] = [];
    const resourceVersion = created.metadata.resourceVersion;
    const watching = (async () => {
      for await (const event of objects.watch(ConfigMapKind, { resourceVersion }, stop.signal)) {
        if (event.type !== 'BOOKMARK') events.push(event);
        if (events.length === 3) stop.abort();
      }
    })();
    await objects.create(ConfigMapKind, configMap('b'));
    await objects.update(ConfigMapKind, { ...created, data: { k: '2' } });
    const removed = await objects.remove(ConfigMapKind, 'default', 'a');
    await watching;
    expect(events.map(({ type, object }) => [type, object.metadata.name])).toEqual([
      ['ADDED', 'b'],
      ['MODIFIED', 'a'],
      ['DELETED', 'a'],
    ]);
    expect(events[1]?.previous?.data).toEqual({ k: '1' });
    expect(events[2]?.object).toMatchObject({
      data: { k: '2' },
      metadata: { resourceVersion: removed.metadata.resourceVersion },
    });
  });

  it('writes several objects or none', async () => {
    const a = await objects.create(ConfigMapKind, configMap('a'));
    const operations = [
      { type: 'update', kind: ConfigMapKind, object: { ...a, data: { k: '1' } } },
      { type: 'create', kind: ConfigMapKind, object: configMap('b') },
    ] as const;
    const [updated, created] = await objects.transact(operations);
    expect(updated?.metadata.resourceVersion).toBe(created?.metadata.resourceVersion);
    await expect(objects.transact(operations)).rejects.toMatchObject({ reason: 'Conflict' });
    const retried = objects.transact([
      { type: 'delete', kind: ConfigMapKind, object: updated as ConfigMap },
      { type: 'create', kind: ConfigMapKind, object: configMap('b') },
    ]);
    await expect(retried).rejects.toMatchObject({ reason: 'AlreadyExists' });
    expect(await objects.get(ConfigMapKind, 'default', 'a')).toBeDefined();
  });

  it('writes nothing for a leader that was replaced', async () => {
    const taken = await store.transact([], [{ type: 'put', key: 'l', value: new Uint8Array() }]);
    let fence: { key: string; modRevision: bigint } | undefined = {
      key: 'l',
      modRevision: taken.revision,
    };
    const fenced = objects.fenced(() => fence);
    const created = await fenced.create(ConfigMapKind, configMap('a'));
    await expect(fenced.create(ConfigMapKind, created)).rejects.toMatchObject({
      reason: 'AlreadyExists',
    });
    await store.transact([], [{ type: 'put', key: 'l', value: new Uint8Array() }]);
    for (const write of [
      () => fenced.create(ConfigMapKind, configMap('b')),
      () => fenced.update(ConfigMapKind, { ...created, data: { k: 'stale' } }),
      () => fenced.remove(ConfigMapKind, 'default', 'a'),
    ]) {
      await expect(write()).rejects.toThrow('another control plane has taken over');
    }
    fence = undefined;
    await expect(fenced.remove(ConfigMapKind, 'default', 'a')).rejects.toThrow('does not lead');
    expect((await objects.list(ConfigMapKind)).items).toEqual([{ ...created, ...identity }]);
  });
});

const identity = { apiVersion: 'v1', kind: 'ConfigMap' };

describe('values of Secrets', () => {
  const key = (id: string, fill: number) => ({ id, secret: new Uint8Array(32).fill(fill) });
  const sealed = (transform: AesGcmTransform) =>
    new ObjectStore(store, { transforms: new Map([['secrets', transform]]) });
  const secret = {
    metadata: { name: 's', namespace: 'default' },
    data: { password: 'aHVudGVyMg==' },
  } as unknown as Secret;
  const place = 'registry/core/secrets/default/s';

  it('are sealed in the store and whole for those who read them', async () => {
    const sealing = sealed(new AesGcmTransform([key('one', 1)]));
    const created = await sealing.create(SecretKind, secret);
    const stored = new TextDecoder('latin1').decode((await store.get(place))?.value);
    expect(stored).toMatch(/^gantry:aes256gcm:one:/);
    expect(stored).not.toContain('aHVudGVyMg');
    const read = await sealing.get(SecretKind, 'default', 's');
    expect(read).toMatchObject({ data: secret.data });
    const resourceVersion = String(BigInt(created.metadata.resourceVersion ?? '') - 1n);
    const stop = new AbortController();
    for await (const event of sealing.watch(SecretKind, { resourceVersion }, stop.signal)) {
      expect(event.object.data).toEqual(secret.data);
      stop.abort();
    }
  });

  it('are sealed one by one when they are copies', async () => {
    const sealing = sealed(new AesGcmTransform([key('one', 1)]));
    await sealing.createCopies(SecretKind, secret, ['s', 't'], []);
    const stored = new TextDecoder('latin1').decode((await store.get(place))?.value);
    expect(stored).toMatch(/^gantry:aes256gcm:one:/);
    for (const name of ['s', 't']) {
      expect(await sealing.get(SecretKind, 'default', name)).toMatchObject({ data: secret.data });
    }
  });

  it('are read with an old key and written with the new one', async () => {
    await sealed(new AesGcmTransform([key('one', 1)])).create(SecretKind, secret);
    const rotated = sealed(new AesGcmTransform([key('two', 2), key('one', 1)]));
    await rotated.mutate(SecretKind, 'default', 's', (current) => ({ ...current, type: 'x' }));
    const only = sealed(new AesGcmTransform([key('two', 2)]));
    expect(await only.get(SecretKind, 'default', 's')).toMatchObject({ data: secret.data });
  });

  it('that were damaged, moved or sealed elsewhere are refused', async () => {
    const sealing = sealed(new AesGcmTransform([key('one', 1)]));
    await sealing.create(SecretKind, secret);
    const value = Buffer.from((await store.get(place))?.value ?? []);
    const moved = { type: 'put', key: 'registry/core/secrets/default/t', value } as const;
    await store.transact([], [moved]);
    await expect(sealing.get(SecretKind, 'default', 't')).rejects.toThrow('damaged or not its own');
    const stranger = sealed(new AesGcmTransform([key('two', 2)]));
    await expect(stranger.get(SecretKind, 'default', 's')).rejects.toThrow('sealed with key "one"');
    value[value.length - 20]! ^= 1;
    await store.transact([], [{ type: 'put', key: place, value }]);
    await expect(sealing.get(SecretKind, 'default', 's')).rejects.toThrow('damaged');
  });

  it('that were stored before sealing was switched on can still be read', async () => {
    await objects.create(SecretKind, secret);
    const sealing = sealed(new AesGcmTransform([key('one', 1)]));
    expect(await sealing.get(SecretKind, 'default', 's')).toMatchObject({ data: secret.data });
  });
});
