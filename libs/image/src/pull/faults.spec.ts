import {
  buildImage,
  FaultProxy,
  pushImage,
  startRegistry,
  type BuiltImage,
  type TestRegistry,
} from '@gantry/testing';
import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { damagedBlobs, withStore } from '../spec/stores.js';

let registry: TestRegistry;
let proxy: FaultProxy;
let image: BuiltImage;
let count = 0;
let name: string;

const size = 3 << 20;

beforeAll(async () => {
  registry = await startRegistry();
  proxy = await FaultProxy.start(registry.host);
});
afterAll(async () => {
  await proxy?.close();
  await registry?.stop();
});

/** An image of one layer that does not compress, new for each test. */
beforeEach(async () => {
  count += 1;
  image = buildImage({ layers: [{ entries: [{ name: 'data', content: randomBytes(size) }] }] });
  await pushImage(`${registry.host}/faults:${count}`, image);
  name = `${proxy.host}/faults:${count}`;
  proxy.requests.length = 0;
  proxy.bytesSent = 0;
  proxy.fault = () => undefined;
});

const layerPath = () => `/blobs/${image.layers[0]!.descriptor.digest}`;

function content(dir: string, part: string): string[] {
  return readdirSync(join(dir, part));
}

function expectNothingLeft(dir: string): void {
  for (const part of ['layers/sha256', 'ingest', 'trash']) expect(content(dir, part)).toEqual([]);
}

test('goes on where a download was cut', async () => {
  let cuts = 3;
  proxy.fault = ({ path }) => {
    if (!path.includes(layerPath()) || cuts === 0) return undefined;
    cuts -= 1;
    return { cutAfter: size / 4 };
  };
  await withStore({}, async (store, dir) => {
    const pulled = await store.pull(name);
    expect(statSync(join(pulled.layerDirs[0]!, 'data')).size).toBe(size);
    expect(damagedBlobs(dir)).toEqual([]);
  });
  const ranges = proxy.gets(layerPath()).map(({ headers }) => headers.range);
  const quarters = [1, 2, 3].map((part) => `bytes=${(part * size) / 4}-`);
  expect(ranges).toEqual([undefined, ...quarters]);
  expect(proxy.bytesSent).toBeLessThan(size * 1.1);
});

test('does without ranges where a registry has none', async () => {
  let first = true;
  const blob = image.layers[0]!.blob;
  proxy.fault = ({ path }) => {
    if (!path.includes(layerPath())) return undefined;
    if (!first) return { body: blob };
    first = false;
    return { cutAfter: 100_000 };
  };
  await withStore({}, async (store) => {
    expect((await store.pull(name)).layerDirs).toHaveLength(1);
  });
});

test('goes on after a restart with what was saved', async () => {
  const dir = await mkdtemp(join(tmpdir(), 'gantry-images-'));
  try {
    proxy.fault = ({ path }) =>
      path.includes(layerPath()) ? { bytesPerSecond: 1 << 20 } : undefined;
    await withStore({ dir }, async (store) => {
      const stop = new AbortController();
      const pull = store.pull(name, {
        signal: stop.signal,
        onProgress: ({ bytesDone }) => bytesDone > size / 5 && stop.abort(new Error('stopped')),
      });
      await expect(pull).rejects.toThrow('stopped');
    });
    const before = proxy.gets(layerPath()).length;
    proxy.fault = () => undefined;
    await withStore({ dir }, async (store) => {
      expect((await store.pull(name)).layerDirs).toHaveLength(1);
      expect(damagedBlobs(dir)).toEqual([]);
    });
    const range = proxy.gets(layerPath())[before]!.headers.range;
    expect(Number(/^bytes=(\d+)-$/.exec(range ?? '')?.[1])).toBeGreaterThan(size / 10);
  } finally {
    await rm(dir, { recursive: true, force: true });
  }
});

test.each([
  [{ status: 429, headers: { 'retry-after': '1' } }, 900],
  [{ status: 500 }, 100],
  [{ status: 503 }, 100],
])('waits and tries again after %j', async (fault, leastMs) => {
  let faults = 2;
  proxy.fault = ({ path }) => (path.includes('/manifests/') && faults-- > 0 ? fault : undefined);
  await withStore({}, async (store) => {
    const waits: (string | undefined)[] = [];
    const startedAt = performance.now();
    await store.pull(name, { onProgress: ({ waiting }) => waits.push(waiting) });
    expect(performance.now() - startedAt).toBeGreaterThan(leastMs);
    expect(waits.join()).toContain(`answered ${fault.status}`);
  });
});

test('fails with its reason when a registry keeps failing', async () => {
  proxy.fault = ({ path }) => (path.includes('/blobs/') ? { status: 500 } : undefined);
  await withStore({}, async (store, dir) => {
    await expect(store.pull(name)).rejects.toMatchObject({
      code: 'unavailable',
      message: expect.stringContaining('answered 500'),
    });
    expectNothingLeft(dir);
  });
});

test('refuses another blob than the manifest names, after one more try', async () => {
  const wrong = Buffer.from(image.layers[0]!.blob);
  wrong[1000] = wrong[1000]! ^ 1;
  proxy.fault = ({ path }) => (path.includes(layerPath()) ? { body: wrong } : undefined);
  await withStore({}, async (store, dir) => {
    await expect(store.pull(name)).rejects.toMatchObject({ code: 'digest-mismatch' });
    expect(proxy.gets(layerPath())).toHaveLength(2);
    expectNothingLeft(dir);
    proxy.fault = ({ path }) =>
      path.includes(layerPath())
        ? { body: Buffer.concat([image.layers[0]!.blob, wrong]) }
        : undefined;
    await expect(store.pull(name)).rejects.toMatchObject({ code: 'size-mismatch' });
    proxy.fault = () => undefined;
    expect((await store.pull(name)).layerDirs).toHaveLength(1);
  });
});

test('refuses another manifest than the digest names', async () => {
  proxy.fault = ({ path }) =>
    path.includes('/manifests/') ? { body: Buffer.from('{}') } : undefined;
  await withStore({}, async (store) => {
    const pull = store.pull(`${name}@${image.digest}`);
    await expect(pull).rejects.toMatchObject({ code: 'digest-mismatch' });
    await expect(store.pull(name)).rejects.toMatchObject({ code: 'invalid-manifest' });
  });
});

test('twenty callers and two images cost one download', async () => {
  await pushImage(`${registry.host}/faults:twin`, image);
  await withStore({}, async (store) => {
    const names = Array.from({ length: 20 }, (_, i) =>
      i % 2 ? name : `${proxy.host}/faults:twin`,
    );
    await Promise.all(names.map((each) => store.pull(each)));
  });
  expect(proxy.gets(layerPath())).toHaveLength(1);
});

test('so many layers at once over all pulls; who waits for a place says so', async () => {
  const names = [0, 1].map((i) => `faults/slots-${i}:1`);
  for (const each of names) {
    const content = randomBytes(200_000);
    const one = buildImage({ layers: [{ entries: [{ name: 'data', content }] }] });
    await pushImage(`${registry.host}/${each}`, one);
  }
  proxy.fault = ({ path }) => (path.includes('/blobs/') ? { bytesPerSecond: 1 << 20 } : undefined);
  await withStore({ maxConcurrentLayers: 1 }, async (store) => {
    const waits: (string | undefined)[] = [];
    const onProgress = ({ waiting }: { waiting?: string }) => waits.push(waiting);
    await Promise.all(names.map((each) => store.pull(`${proxy.host}/${each}`, { onProgress })));
    expect(waits).toContain('waiting for a download slot (1 in use)');
  });
});

test('stops when its last caller leaves, not before', async () => {
  proxy.fault = ({ path }) =>
    path.includes(layerPath()) ? { bytesPerSecond: 4 << 20 } : undefined;
  await withStore({}, async (store) => {
    const leaver = new AbortController();
    const left = store.pull(name, { signal: leaver.signal });
    const stays = store.pull(name, {
      onProgress: ({ bytesDone }) => bytesDone > 0 && leaver.abort(new Error('left')),
    });
    await expect(left).rejects.toThrow('left');
    expect((await stays).layerDirs).toHaveLength(1);
  });
  expect(proxy.gets(layerPath())).toHaveLength(1);
});

test('a mirror is asked first, and the registry when it fails', async () => {
  const registries = { [registry.host]: { mirrors: [proxy.host] } };
  const direct = `${registry.host}/faults:${count}`;
  await withStore({ registries }, async (store) => {
    await store.pull(direct);
    expect(proxy.gets(layerPath())).toHaveLength(1);
    await store.remove(direct);
    await store.collectGarbage(new Set());
    proxy.fault = () => ({ status: 404 });
    expect((await store.pull(direct)).reference).toBe(direct);
  });
});

test('a full disk is named, survived, and leaves nothing', async () => {
  const dir = await mkdtemp(join(tmpdir(), 'gantry-full-'));
  execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=4m', 'tmpfs', dir]);
  try {
    await withStore({ dir: join(dir, 'images') }, async (store, images) => {
      await expect(store.pull(name)).rejects.toMatchObject({
        code: 'disk-full',
        message: expect.stringContaining('free space on the image file system'),
      });
      expectNothingLeft(images);
      const small = buildImage({ layers: [{ entries: [{ name: 'small', content: 'fits' }] }] });
      await pushImage(`${registry.host}/faults:small`, small);
      const pulled = await store.pull(`${registry.host}/faults:small`);
      expect(readFileSync(join(pulled.layerDirs[0]!, 'small'), 'utf8')).toBe('fits');
    });
  } finally {
    execFileSync('umount', [dir]);
    await rm(dir, { recursive: true });
  }
});

test.each([
  ['path-escapes', { name: '../../../tmp/gantry-escaped', content: 'x' }],
  ['path-absolute', { name: '/tmp/gantry-escaped', content: 'x' }],
  ['link-escapes', { name: 'h', type: 'hardlink', link: '../../etc/passwd' }],
  ['device-refused', { name: 'sda', type: 'block', major: 8 }],
  ['whiteout-invalid', { name: '.wh...' }],
] as const)('a hostile layer is refused with %s', async (layerCode, entry) => {
  const hostile = buildImage({ layers: [{ entries: [{ name: 'ok' }, entry] }] });
  const where = `${registry.host}/hostile/${layerCode}:1`;
  await pushImage(where, hostile);
  await withStore({}, async (store, dir) => {
    await expect(store.pull(where)).rejects.toMatchObject({
      code: 'refused',
      layerCode,
      message: expect.stringContaining(hostile.layers[0]!.descriptor.digest),
    });
    expectNothingLeft(dir);
    expect(await store.list()).toEqual([]);
  });
  expect(existsSync('/tmp/gantry-escaped')).toBe(false);
});

test('a truncated layer and one with another diffID are refused', async () => {
  const [layer] = image.layers;
  const truncated = layer!.blob.subarray(0, 1000);
  const cases = [
    { blob: truncated, diffId: layer!.diffId, layerCode: 'corrupt-compression' },
    { blob: layer!.blob, diffId: `sha256:${'0'.repeat(64)}`, layerCode: 'diff-id-mismatch' },
  ];
  await withStore({}, async (store, dir) => {
    for (const { layerCode, ...source } of cases) {
      const where = `${registry.host}/broken/${layerCode}:1`;
      await pushImage(where, buildImage({ layers: [source] }));
      await expect(store.pull(where)).rejects.toMatchObject({ code: 'refused', layerCode });
      expectNothingLeft(dir);
    }
  });
});
