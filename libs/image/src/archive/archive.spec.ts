import { buildImage, pushImage, startRegistry, tar, type TestRegistry } from '@gantry/testing';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, afterEach, expect, test } from 'vitest';
import { withStore } from '../spec/stores.js';

let registry: TestRegistry;
let dir: string;

beforeAll(async () => {
  registry = await startRegistry();
});
afterAll(() => registry?.stop());
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'gantry-archive-'));
});
afterEach(() => rm(dir, { recursive: true, force: true }));

const image = buildImage({
  config: { Cmd: ['/a'] },
  layers: [
    { entries: [{ name: 'a', content: 'a'.repeat(5000) }] },
    { entries: [{ name: 'b', content: 'b' }], compression: 'zstd' },
  ],
});

test('what was saved loads elsewhere, and can be pushed from there', async () => {
  const name = `${registry.host}/archive:1`;
  await pushImage(name, image);
  const path = join(dir, 'image.tar');
  await withStore({}, async (store) => {
    await store.pull(name);
    await store.tag(name, 'other/name:2');
    await writeFile(path, await store.save([name, 'other/name:2']));
    await expect(store.save(['absent:1'])).rejects.toThrow('pull or load it first');
  });
  await withStore({}, async (store) => {
    expect(await store.load(path)).toEqual([name, 'docker.io/other/name:2']);
    const loaded = await store.pull(name, { policy: 'Never' });
    expect(loaded.imageId).toBe(image.configDescriptor.digest);
    expect(readFileSync(join(loaded.layerDirs[1]!, 'a'), 'utf8')).toHaveLength(5000);
    const target = `${registry.host}/pushed:1`;
    expect(await store.push(name, { target })).toBe(image.digest);
    expect((await store.pull(target)).imageId).toBe(loaded.imageId);
    expect(await store.inspect(name)).toMatchObject({
      manifestDigest: image.digest,
      names: expect.arrayContaining([name, target, 'docker.io/other/name:2']),
      config: { history: [{}, {}] },
    });
  });
});

test('of an archive from elsewhere only the name that was asked for is taken', async () => {
  const name = `${registry.host}/asked:1`;
  await pushImage(name, image);
  const other = buildImage({ layers: [{ entries: [{ name: 'other' }] }] });
  await pushImage(`${registry.host}/other:1`, other);
  const path = join(dir, 'image.tar');
  await withStore({}, async (store) => {
    for (const each of [name, `${registry.host}/other:1`]) await store.pull(each);
    await store.tag(name, 'nginx:1');
    await writeFile(path, await store.save([name, 'nginx:1', `${registry.host}/other:1`]));
  });
  await withStore({}, async (store) => {
    expect(await store.load(path, { only: name })).toEqual([name]);
    expect((await store.list()).map(({ reference }) => reference)).toEqual([name]);
    await expect(store.load(path, { only: 'docker.io/library/gone:1' })).rejects.toThrow(
      'holds no image docker.io/library/gone:1',
    );
  });
});

test('a name by digest is for that content alone', async () => {
  const digest = `sha256:${'1'.repeat(64)}`;
  const path = join(dir, 'image.tar');
  await pushImage(`${registry.host}/honest:1`, image);
  await withStore({}, async (store) => {
    await store.pull(`${registry.host}/honest:1`);
    await store.tag(`${registry.host}/honest:1`, `app@${digest}`);
    await writeFile(path, await store.save([`app@${digest}`]));
    const only = `docker.io/library/app@${digest}`;
    await expect(store.load(path, { only })).rejects.toThrow('holds no image');
  });
});

test('what is being saved is not collected meanwhile', async () => {
  const name = `${registry.host}/held:1`;
  await pushImage(name, image);
  await withStore({}, async (store) => {
    await store.pull(name);
    const archive = await store.save([name]);
    const chunks = [(await archive.next()).value as Uint8Array];
    await store.remove(name);
    expect(await store.collectGarbage(new Set())).toMatchObject({ layers: 0, blobs: 0 });
    for await (const chunk of archive) chunks.push(chunk);
    const path = join(dir, 'image.tar');
    await writeFile(path, chunks);
    expect(await store.collectGarbage(new Set())).toMatchObject({ layers: 2 });
    expect(await store.load(path)).toEqual([name]);
  });
});

test('loads what older docker saves: plain layers, links between them, no manifest', async () => {
  const layers = [tar([{ name: 'one', content: '1' }]), tar([{ name: 'two', content: '2' }])];
  const built = buildImage({ layers: layers.map((archive) => ({ archive, compression: 'none' })) });
  const manifest = [
    {
      Config: 'abc.json',
      RepoTags: ['app:1'],
      Layers: ['x/layer.tar', 'y/layer.tar', 'z/layer.tar'],
    },
  ];
  const config = JSON.parse(Buffer.from(built.config).toString()) as {
    rootfs: { diff_ids: string[] };
  };
  config.rootfs.diff_ids.push(config.rootfs.diff_ids[0]!);
  const path = join(dir, 'docker.tar');
  const entries = [
    { name: 'abc.json', content: JSON.stringify(config) },
    { name: 'x/layer.tar', content: layers[0] },
    { name: 'y/layer.tar', content: layers[1] },
    { name: 'z/layer.tar', type: 'symlink', link: '../x/layer.tar' },
    { name: 'manifest.json', content: JSON.stringify(manifest) },
  ] as const;
  await writeFile(path, tar(entries));
  await withStore({}, async (store) => {
    expect(await store.load(path)).toEqual(['docker.io/library/app:1']);
    const { layerDirs } = (await store.get('app:1'))!;
    // The repeated layer shows once, at its topmost place.
    expect(layerDirs).toHaveLength(2);
    expect(readFileSync(join(layerDirs[0]!, 'one'), 'utf8')).toBe('1');
  });
});

test('names the fault of what is no archive', async () => {
  await withStore({}, async (store) => {
    const attempt = async (content: Uint8Array) => {
      const path = join(dir, 'broken.tar');
      await writeFile(path, content);
      return store.load(path);
    };
    await expect(attempt(Buffer.from('text'.repeat(500)))).rejects.toThrow('is no image archive');
    await expect(attempt(tar([{ name: 'x' }]))).rejects.toThrow('manifest.json is missing');
    const cut = tar([{ name: 'index.json', content: '{}'.repeat(1000) }]).subarray(0, 1024);
    await expect(attempt(cut)).rejects.toThrow('it is cut short');
    const digest = `sha256:${'0'.repeat(64)}`;
    const index = JSON.stringify({
      schemaVersion: 2,
      manifests: [{ mediaType: 'x', digest, size: 2 }],
    });
    const lying = tar([
      { name: 'index.json', content: index },
      { name: `blobs/sha256/${digest.slice(7)}`, content: '{}' },
    ]);
    await expect(attempt(lying)).rejects.toMatchObject({ code: 'digest-mismatch' });
    expect(await store.list()).toEqual([]);
  });
});

test('an archive without a name needs one', async () => {
  const path = join(dir, 'unnamed.tar');
  const layer = tar([{ name: 'f' }]);
  const built = buildImage({ layers: [{ archive: layer, compression: 'none' }] });
  const entries = [
    { name: 'c.json', content: built.config },
    { name: 'l.tar', content: layer },
    {
      name: 'manifest.json',
      content: JSON.stringify([{ Config: 'c.json', RepoTags: null, Layers: ['l.tar'] }]),
    },
  ];
  await writeFile(path, tar(entries));
  await withStore({}, async (store) => {
    await expect(store.load(path)).rejects.toThrow('give a name');
    expect(await store.load(path, { name: 'mine:1' })).toEqual(['docker.io/library/mine:1']);
    await store.pin('mine:1', true);
    expect(await store.collectGarbage(new Set())).toMatchObject({ images: [] });
    await store.pin('mine:1', false);
    expect(await store.collectGarbage(new Set())).toMatchObject({ layers: 1 });
  });
});
