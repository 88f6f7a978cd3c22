import {
  buildImage,
  FaultProxy,
  pushImage,
  startRegistry,
  type TestRegistry,
} from '@gantry/testing';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { mediaTypes } from '../media-types.js';
import { parseReference } from '../reference.js';
import { withStore } from '../spec/stores.js';
import { Pusher } from './pusher.js';
import { RegistryClient } from './registry-client.js';

let registry: TestRegistry;
let proxy: FaultProxy;

beforeAll(async () => {
  registry = await startRegistry();
  proxy = await FaultProxy.start(registry.host);
});
afterAll(async () => {
  await proxy?.close();
  await registry?.stop();
});
beforeEach(() => {
  proxy.requests.length = 0;
  proxy.fault = () => undefined;
});

const image = buildImage({ layers: [{ entries: [{ name: 'a', content: 'a'.repeat(9000) }] }] });
/** Queries by which uploads were begun. What is sent then goes to the registry itself, as its answers say. */
const begun = () =>
  proxy.requests
    .filter(({ method }) => method === 'POST')
    .map(({ path }) => new URL(path, 'http://proxy').searchParams);

test('what the registry has in another repository is mounted from there, not sent', async () => {
  const name = `${proxy.host}/source/app:1`;
  await pushImage(`${registry.host}/source/app:1`, image);
  await withStore({}, async (store) => {
    await store.pull(name);
    const target = `${proxy.host}/target/app:1`;
    expect(await store.push(name, { target })).toBe(image.digest);
    expect(begun().map((query) => query.get('from'))).toEqual(['source/app', 'source/app']);
    await store.remove(name);
    await store.collectGarbage(new Set());
    expect((await store.pull(target)).layerDirs).toHaveLength(1);
  });
});

test('a blob that is mounted is not even opened', async () => {
  await pushImage(`${registry.host}/origin/app:1`, image);
  const client = new RegistryClient();
  try {
    const [layer] = image.layers;
    const open = () => {
      throw new Error('it was opened');
    };
    const pusher = new Pusher(client);
    const target = parseReference(`${registry.host}/other/app:1`);
    const from = { descriptor: layer!.descriptor, open, mountFrom: 'origin/app' };
    expect(await pusher.blob(target, from)).toBe(false);
    const absent = { ...from, mountFrom: 'nowhere/app' };
    const third = parseReference(`${registry.host}/third/app:1`);
    await expect(pusher.blob(third, absent)).rejects.toThrow('it was opened');
  } finally {
    client.close();
  }
});

test('what may not be mounted is sent', async () => {
  const name = `${proxy.host}/secret/app:1`;
  await pushImage(`${registry.host}/secret/app:1`, image);
  proxy.fault = ({ path }) => (path.includes('mount=') ? { status: 403 } : undefined);
  await withStore({}, async (store) => {
    await store.pull(name);
    expect(await store.push(name, { target: `${proxy.host}/mine/app:1` })).toBe(image.digest);
    // Each was asked to be mounted, and then sent.
    expect(
      begun()
        .map((query) => query.has('mount'))
        .toSorted(),
    ).toEqual([false, false, true, true]);
  });
});

test('tells what refers to an image, by the fallback tag where the registry knows no more', async () => {
  const name = `${registry.host}/signed/app:1`;
  await pushImage(name, image);
  const signature = {
    mediaType: mediaTypes.ociManifest,
    digest: `sha256:${'5'.repeat(64)}`,
    size: 9,
  };
  const index = { schemaVersion: 2, mediaType: mediaTypes.ociIndex, manifests: [signature] };
  const client = new RegistryClient();
  try {
    const reference = parseReference(name);
    expect(await client.referrers(reference, image.digest)).toEqual([]);
    const signed = buildImage({ layers: [{ entries: [{ name: 'signature' }] }] });
    await pushImage(`${registry.host}/signed/app:signature`, signed);
    signature.digest = signed.digest;
    signature.size = signed.manifest.length;
    const tag = { ...reference, tag: image.digest.replace(':', '-') };
    await new Pusher(client).manifest(tag, Buffer.from(JSON.stringify(index)), index.mediaType);
    expect(await client.referrers(reference, image.digest)).toMatchObject([signature]);
    // A registry that serves the list itself, and one that serves something else there.
    const [asked, proxied] = [image.digest, parseReference(`${proxy.host}/signed/app:1`)];
    const answer = (body: string) =>
      (proxy.fault = ({ path }) =>
        path.includes('/referrers/') ? { body: Buffer.from(body) } : undefined);
    answer(JSON.stringify(index));
    expect(await client.referrers(proxied, asked)).toMatchObject([signature]);
    for (const body of ['<html>', '{"manifests": "x"}', '[]']) {
      answer(body);
      await expect(client.referrers(proxied, asked)).rejects.toMatchObject({
        code: 'invalid-manifest',
      });
    }
  } finally {
    client.close();
  }
});
