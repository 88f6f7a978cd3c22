import {
  buildImage,
  pushImage,
  registryUser,
  startRegistry,
  type TestRegistry,
} from '@gantry/testing';
import { readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { PullProgress } from './index.js';
import { unmountLayers, withStore } from './spec/stores.js';

let open: TestRegistry;
let closed: TestRegistry;

beforeAll(async () => {
  [open, closed] = await Promise.all([startRegistry(), startRegistry({ auth: true })]);
});
afterAll(() => Promise.all([open?.stop(), closed?.stop()]));

const config = { Cmd: ['/bin/app'], Env: ['PATH=/bin'], User: '1000', WorkingDir: '/srv' };

const etc = { name: 'etc/', type: 'directory' } as const;

function sample(docker = false) {
  return buildImage({
    docker,
    config,
    layers: [
      {
        entries: [
          { name: 'etc/', type: 'directory' },
          { name: 'etc/base', content: 'base' },
        ],
      },
      {
        entries: [etc, { name: 'etc/app', content: 'app', mode: 0o4755, uid: 7, gid: 8 }],
        compression: docker ? 'gzip' : 'zstd',
      },
      {
        entries: [etc, { name: 'etc/.wh.base' }, { name: 'l', type: 'symlink', link: '/etc/app' }],
        compression: docker ? 'gzip' : 'none',
      },
    ],
  });
}

test.each([false, true])(
  'pulls what was pushed, layers topmost first (docker types: %s)',
  async (docker) => {
    const name = `${open.host}/team/app:${docker ? 'docker' : 'oci'}`;
    const image = sample(docker);
    const pushed = await pushImage(name, image);
    await withStore({}, async (store) => {
      const seen: PullProgress[] = [];
      const pulled = await store.pull(name, { onProgress: (progress) => seen.push(progress) });
      expect(pulled).toMatchObject({ reference: name, digest: pushed, config });
      expect(pulled.imageId).toBe(image.configDescriptor.digest);
      const [top, middle, bottom] = pulled.layerDirs as [string, string, string];
      expect(readFileSync(join(bottom, 'etc/base'), 'utf8')).toBe('base');
      const app = statSync(join(middle, 'etc/app'));
      expect([app.mode & 0o7777, app.uid, app.gid]).toEqual([0o4755, 7, 8]);
      const whiteout = statSync(join(top, 'etc/base'));
      expect([whiteout.isCharacterDevice(), whiteout.rdev]).toEqual([true, 0]);
      const bytes = image.layers.reduce((sum, layer) => sum + layer.blob.length, 0);
      expect(seen.at(-1)).toMatchObject({
        phase: 'done',
        layersTotal: 3,
        layersDone: 3,
        bytesTotal: bytes,
        bytesDone: bytes,
      });
      expect(await store.get(name)).toEqual(pulled);
      expect(await store.get(pulled.imageId)).toMatchObject({ imageId: pulled.imageId });
      expect((await store.list()).map((i) => i.reference)).toEqual([name]);
    });
  },
);

test('asks for credentials where they are needed, and names what to do', async () => {
  const name = `${closed.host}/secret/app:1`;
  const auth = [{ registry: closed.host, ...registryUser }];
  await pushImage(name, sample(), { auth });
  await withStore({}, async (store) => {
    await expect(store.pull(name)).rejects.toMatchObject({
      code: 'unauthorized',
      message: expect.stringMatching(/add credentials for 127\.0\.0\.1:\d+ \(imagePullSecrets\)/),
    });
    const wrong = [{ registry: closed.host, username: 'gantry', password: 'wrong' }];
    await expect(store.pull(name, { auth: wrong })).rejects.toThrow('check the credentials');
    expect((await store.pull(name, { auth })).layerDirs).toHaveLength(3);
  });
  const registries = { [closed.host]: { auth: registryUser } };
  await withStore({ registries }, async (store) => {
    expect((await store.pull(name)).layerDirs).toHaveLength(3);
  });
});

test('takes the image of this platform from an index, and says what there is otherwise', async () => {
  const name = `${open.host}/multi:1`;
  const other = buildImage({
    platform: { os: 'linux', architecture: 's390x' },
    layers: [{ entries: [{ name: 'other' }] }],
  });
  const digest = await pushImage(name, [other, sample()]);
  const alien = await pushImage(`${open.host}/alien:1`, [other]);
  await withStore({}, async (store) => {
    const image = await store.pull(name);
    expect(image).toMatchObject({ digest, config });
    expect(await store.pull(`${open.host}/multi@${digest}`)).toMatchObject({
      imageId: image.imageId,
    });
    await expect(store.pull(`${open.host}/alien@${alien}`)).rejects.toMatchObject({
      code: 'no-platform',
      message: expect.stringContaining('it has linux/s390x'),
    });
  });
});

test('follows the policies', async () => {
  const name = `${open.host}/policy:1`;
  await pushImage(name, sample());
  await withStore({}, async (store) => {
    await expect(store.pull(name, { policy: 'Never' })).rejects.toMatchObject({
      waitingReason: 'ErrImageNeverPull',
    });
    const first = await store.pull(name);
    const newer = await pushImage(name, buildImage({ layers: [{ entries: [{ name: 'new' }] }] }));
    expect(await store.pull(name, { policy: 'Never' })).toEqual(first);
    expect(await store.pull(name)).toEqual(first);
    expect((await store.pull(name, { policy: 'Always' })).digest).toBe(newer);
    expect((await store.pull(name)).digest).toBe(newer);
  });
});

test('names what is missing', async () => {
  await withStore({}, async (store) => {
    const name = `${open.host}/nothing:1`;
    await expect(store.pull(name)).rejects.toMatchObject({
      code: 'not-found',
      message: expect.stringContaining(`${name} is not there`),
    });
    await expect(store.pull('127.0.0.1:1/app')).rejects.toMatchObject({
      code: 'unavailable',
      waitingReason: 'RegistryUnavailable',
      message: expect.stringContaining('connection refused; is the registry running?'),
    });
    await expect(store.pull('Not/Valid')).rejects.toMatchObject({
      waitingReason: 'InvalidImageName',
    });
  });
});

test('shares layers between images and pulls between callers', async () => {
  const shared = { entries: [{ name: 'shared', content: 'x'.repeat(50_000) }] };
  const build = (own: string) => buildImage({ layers: [shared, { entries: [{ name: own }] }] });
  const [one, two] = [`${open.host}/share:1`, `${open.host}/share:2`];
  await pushImage(one, build('one'));
  await pushImage(two, build('two'));
  await withStore({}, async (store) => {
    const twenty = await Promise.all(Array.from({ length: 20 }, () => store.pull(one)));
    expect(new Set(twenty.map((image) => image.layerDirs.join())).size).toBe(1);
    let last: PullProgress | undefined;
    const second = await store.pull(two, { onProgress: (progress) => (last = progress) });
    expect(last).toMatchObject({ layersTotal: 2, layersPresent: 1 });
    expect(second.layerDirs.at(-1)).toBe(twenty[0]!.layerDirs.at(-1));
  });
});

test('directories that a layer only implies look like those below', async () => {
  const name = `${open.host}/implied:1`;
  const layers = [
    { entries: [{ name: 'tmp/', type: 'directory', mode: 0o1777, uid: 3 }] },
    { entries: [{ name: 'tmp/file', content: 'x' }] },
  ] as const;
  await pushImage(name, buildImage({ layers }));
  await withStore({}, async (store) => {
    const { layerDirs } = await store.pull(name);
    expect(layerDirs).toHaveLength(3);
    const tmp = statSync(join(layerDirs[0]!, 'tmp'));
    expect([tmp.mode & 0o7777, tmp.uid]).toEqual([0o1777, 3]);
    expect((await store.get(name))?.layerDirs).toEqual(layerDirs);
    await store.collectGarbage(new Set([name]));
    expect(statSync(layerDirs[0]!).isDirectory()).toBe(true);
    await store.collectGarbage(new Set());
    expect(statSync(layerDirs[0]!, { throwIfNoEntry: false })).toBeUndefined();
  });
});

test('collects what nobody uses and nothing else', async () => {
  const [keep, drop] = [`${open.host}/gc:keep`, `${open.host}/gc:drop`];
  await pushImage(keep, sample());
  await pushImage(drop, buildImage({ layers: [{ entries: [{ name: 'garbage', content: 'g' }] }] }));
  await withStore({}, async (store) => {
    const kept = await store.pull(keep);
    const dropped = await store.pull(drop);
    expect(await store.collectGarbage(new Set([keep]))).toMatchObject({
      images: [drop],
      layers: 1,
      blobs: 3,
    });
    expect(await store.get(drop)).toBeUndefined();
    expect(statSync(dropped.layerDirs[0]!, { throwIfNoEntry: false })).toBeUndefined();
    expect(await store.get(keep)).toEqual(kept);
    expect(await store.remove(keep)).toBe(true);
    expect(await store.collectGarbage(new Set([kept.digest]))).toMatchObject({
      images: [],
      layers: 0,
    });
    expect(await store.collectGarbage(new Set())).toMatchObject({ layers: 3 });
  });
});

test('layers that are image files are counted as they are, and mounted when they are wanted', async () => {
  const name = `${open.host}/erofs:1`;
  const content = 'compressible '.repeat(20_000);
  const files = [{ name: 'etc/', type: 'directory' } as const, { name: 'etc/text', content }];
  await pushImage(name, buildImage({ layers: [{ entries: files }] }));
  let unpackedBytes = 0;
  await withStore({}, async (store) => {
    await store.pull(name);
    unpackedBytes = (await store.administration.list())[0]!.unpackedBytes;
  });
  await withStore({ layerFormat: 'erofs' }, async (store, dir) => {
    const { layerDirs } = await store.pull(name);
    const [layer = ''] = layerDirs;
    const read = () => readFileSync(join(layer, 'etc/text'), 'utf8');
    expect(read()).toBe(content);
    const [summary] = await store.administration.list();
    expect(summary!.unpackedBytes).toBe(statSync(join(layer, '../layer.erofs')).size);
    expect(summary!.unpackedBytes).toBeLessThan(unpackedBytes / 2);
    unmountLayers(dir);
    await store.list();
    expect(read).toThrow('ENOENT');
    expect((await store.get(name))!.layerDirs).toEqual(layerDirs);
    expect(read()).toBe(content);
  });
});
