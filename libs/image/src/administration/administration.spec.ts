import { tar } from '@gantry/testing';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync, zstdCompressSync } from 'node:zlib';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { withStore } from '../spec/stores.js';

let dir: string;
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'gantry-administration-'));
});
afterEach(() => rm(dir, { recursive: true, force: true }));

const entries = [{ name: 'etc/hello', content: 'hello' }];
const unused = () => undefined;
const onlyOrphans = { unusedForMs: Infinity };

test.each([
  ['plain', (bytes: Uint8Array) => bytes],
  ['gzip', (bytes: Uint8Array) => gzipSync(bytes)],
  ['zstd', (bytes: Uint8Array) => zstdCompressSync(bytes)],
])('a %s archive becomes an image of one layer', async (_, compress) => {
  const path = join(dir, 'root.tar');
  await writeFile(path, compress(tar(entries)));
  await withStore({}, async (store) => {
    const { administration } = store;
    const config = { Cmd: ['/bin/app'] };
    const digest = await administration.importRootfs(path, { name: 'mine:1', config });
    const image = (await store.get('mine:1'))!;
    expect(image).toMatchObject({ digest, config });
    expect(await readFile(join(image.layerDirs[0]!, 'etc/hello'), 'utf8')).toBe('hello');
    const listed = await administration.list();
    const sizes = listed.map(({ names, digest, sizeBytes }) => ({ names, digest, sizeBytes }));
    expect(await administration.sizes()).toEqual(sizes);
    // What is remembered says the same.
    expect(await administration.sizes()).toEqual(sizes);
    expect(listed).toMatchObject([
      { names: ['docker.io/library/mine:1'], digest, layers: 1, pinned: false },
    ]);
    // What was imported is as good as what was pulled.
    await writeFile(path, await store.save(['mine:1']));
    await withStore({}, async (other) => {
      expect(await other.load(path)).toEqual(['docker.io/library/mine:1']);
    });
  });
});

test.each([
  ['nothing', Buffer.alloc(0), 'empty'],
  ['half a gzip', gzipSync(tar(entries)).subarray(0, 60), 'cannot be read'],
  ['an escape', tar([{ name: '../../escape', content: 'x' }]), 'refused layer'],
  ['no archive', Buffer.from('hello '.repeat(300)), 'layer sha256'],
])('import refuses %s and says why', async (_, bytes, why) => {
  const path = join(dir, 'bad.tar');
  await writeFile(path, bytes);
  await withStore({}, async (store) => {
    await expect(store.administration.importRootfs(path, { name: 'bad' })).rejects.toThrow(why);
    expect(await store.administration.list()).toEqual([]);
  });
});

test('an image goes with its last name, unless somebody needs it', async () => {
  const path = join(dir, 'root.tar');
  await writeFile(path, tar(entries));
  await withStore({}, async (store) => {
    const { administration } = store;
    const digest = await administration.importRootfs(path, { name: 'mine:1' });
    await store.tag('mine:1', 'mine:2');
    const first = await administration.remove('mine:1', () => 'pod web');
    expect(first).toEqual({ untagged: ['docker.io/library/mine:1'] });
    const refused = administration.remove('mine:2', () => 'pod web');
    await expect(refused).rejects.toThrow('in use by pod web');
    const last = await administration.remove(digest, unused);
    expect(last).toEqual({ untagged: ['docker.io/library/mine:2'], deleted: digest });
    await expect(administration.remove('mine:2', unused)).rejects.toThrow('not on this node');
    const report = await store.collectGarbage(new Set(), onlyOrphans);
    expect(report).toMatchObject({ layers: 1 });
  });
});

test('a pinned image is collected by nothing, and removed only once it is unpinned', async () => {
  const path = join(dir, 'root.tar');
  await writeFile(path, tar(entries));
  await withStore({}, async (store) => {
    const { administration } = store;
    const digest = await administration.importRootfs(path, { name: 'site:1' });
    await store.pin('site:1', true);
    const threshold = { highPercent: 0, lowPercent: 0, minimumAgeMs: 0 };
    for (const policy of [{}, { unusedForMs: 0 }, threshold]) {
      expect(await store.collectGarbage(new Set(), policy)).toMatchObject({
        images: [],
        layers: 0,
      });
    }
    await store.tag('site:1', 'also:1');
    for (const name of ['site:1', 'also:1', digest]) {
      await expect(administration.remove(name, unused)).rejects.toThrow(
        `unpin it first: gantry image unpin ${name}`,
      );
    }
    // Another image takes the name over; what was pinned stays, nameless.
    await writeFile(path, tar([{ name: 'newer' }]));
    await administration.importRootfs(path, { name: 'site:1' });
    await administration.importRootfs(path, { name: 'also:1' });
    await store.collectGarbage(new Set());
    expect(await administration.list()).toMatchObject([{ names: [], digest, pinned: true }]);
    await store.pin(digest, false);
    expect(await administration.remove(digest, unused)).toMatchObject({ deleted: digest });
  });
});

test('a pin outlives a second load', async () => {
  const path = join(dir, 'root.tar');
  await writeFile(path, tar(entries));
  await withStore({}, async (store) => {
    await store.administration.importRootfs(path, { name: 'mine:1' });
    await store.pin('mine:1', true);
    await writeFile(path, await store.save(['mine:1']));
    await store.load(path);
    expect(await store.administration.list()).toMatchObject([{ pinned: true }]);
  });
});
