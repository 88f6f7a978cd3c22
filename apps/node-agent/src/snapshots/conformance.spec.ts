import { existsSync, readdirSync } from 'node:fs';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { Image } from '@gantry/image';
import {
  buildImage,
  pushImage,
  startRegistry,
  type TarEntry,
  type TestRegistry,
} from '@gantry/testing';
import { diskUsage } from '../volumes/disk-usage.js';
import { Bench, layersBinary } from './conformance.fixture.js';
import { copyDriver } from './copy.js';
import { erofsDriver, overlayDriver } from './layered.js';
import { removeTree } from './remove-tree.js';

// Three layers with every rule of the overlay in them.
const directory = (name: string, rest: Partial<TarEntry> = {}): TarEntry => ({
  name: `${name}/`,
  type: 'directory',
  mtime: 1_000_000_000,
  ...rest,
});
const file = (name: string, content = '', rest: Partial<TarEntry> = {}): TarEntry => ({
  name,
  content,
  mtime: 1_200_000_000,
  ...rest,
});

const bottom = [
  directory('etc', { mode: 0o750, uid: 3, gid: 4 }),
  file('etc/hidden', 'hidden'),
  file('etc/kept', 'bottom'),
  directory('opaque'),
  file('opaque/below', 'below'),
  directory('gone'),
  file('gone/file', 'gone'),
  directory('becomes-file'),
  file('becomes-file/x', 'x'),
  file('becomes-directory', 'file'),
  file('large', 'abcdefgh'.repeat(40_000)),
];
const middle = [
  file('etc/.wh.hidden'),
  directory('opaque', { mode: 0o700 }),
  file('opaque/.wh..wh..opq'),
  file('opaque/own', 'own', { mode: 0o4755, uid: 100_000, gid: 70_000 }),
  file('.wh.gone'),
  file('becomes-file', 'now a file'),
  file('linked', 'linked'),
  { name: 'link-to-it', type: 'hardlink', link: 'linked' } as const,
  directory('deep'),
  { name: 'deep/link-to-it', type: 'hardlink', link: 'linked' } as const,
  { name: 'symbolic', type: 'symlink', link: '/etc/kept', mtime: 900_000_000 } as const,
];
const top = [
  directory('becomes-directory', { mode: 0o1777 }),
  file('becomes-directory/inside', 'inside'),
  file('etc/kept', 'top'),
  file('noted', 'noted', { pax: { 'SCHILY.xattr.user.note': 'yes' } }),
  { name: 'pipe', type: 'fifo', mode: 0o600 } as const,
  { name: 'zero', type: 'char', major: 1, minor: 5, mode: 0o666 } as const,
];

let registry: TestRegistry;
let name: string;
/** What an overlay of unpacked layers shows, which is what all must show. */
let expected: { digest: string; listing: string };

beforeAll(async () => {
  registry = await startRegistry();
  name = `${registry.host}/roots:1`;
  const layers = [bottom, middle, top].map((entries) => ({ entries }));
  await pushImage(name, buildImage({ layers }));
  const bench = await Bench.start(overlayDriver);
  try {
    expected = await bench.digest(await bench.prepare(await bench.images.pull(name), 'reference'));
  } finally {
    await bench.close();
  }
});
afterAll(() => registry?.stop());

describe.each([overlayDriver, copyDriver(layersBinary), erofsDriver])('$name', (driver) => {
  let bench: Bench;
  let image: Image;
  beforeEach(async () => {
    bench = await Bench.start(driver);
    image = await bench.images.pull(name);
  });
  afterEach(() => bench?.close());

  test('shows the image to the last attribute, each rule of its layers applied', async () => {
    const shown = await bench.digest(await bench.prepare(image, 'one'));
    expect(shown.listing).toBe(expected.listing);
    expect(shown.digest).toBe(expected.digest);
    for (const word of ['hidden', 'opaque/below', 'gone', 'becomes-file/']) {
      expect(shown.listing).not.toContain(word);
    }
    expect(shown.listing).toMatch(/-rwsr-xr-x +100000\/70000 +3 .* \.\/opaque\/own\n/);
    expect(shown.listing.match(/link to \.\//g)).toHaveLength(2);
    expect(shown.listing).toMatch(/\*.* \.\/noted\n +x: +3 user\.note\n/);
  });

  test('what a container writes or removes stays its own', async () => {
    const [one, other] = [await bench.prepare(image, 'one'), await bench.prepare(image, 'other')];
    await bench.inside(
      one,
      'echo changed > etc/kept; rm -r opaque; mkdir opaque; echo n > opaque/n',
    );
    expect(await bench.inside(one, 'cat etc/kept; ls opaque')).toBe('changed\nn\n');
    expect((await bench.digest(other)).digest).toBe(expected.digest);
    expect((await bench.digest(await bench.prepare(image, 'third'))).digest).toBe(expected.digest);
  });

  test('a preparation that is cut short is never taken for a root, and starts over', async () => {
    const abort = new AbortController();
    const cut = bench.prepare(image, 'one', abort.signal).catch(() => undefined);
    abort.abort(new Error('cut'));
    await cut;
    const root = await bench.prepare(image, 'one');
    expect((await bench.digest(root)).digest).toBe(expected.digest);
    // Two at once, as when an agent comes back before the work of its forerunner has ended.
    const [same] = await Promise.all([bench.prepare(image, 'two'), bench.prepare(image, 'two')]);
    expect((await bench.digest(same)).digest).toBe(expected.digest);
    expect(readdirSync(bench.path('two')).filter((entry) => entry.includes('making'))).toEqual([]);
  });

  test('what a container holds is what it wrote, and removal leaves nothing', async () => {
    const root = await bench.prepare(image, 'one');
    const dir = bench.path('one');
    const used = async () => (await diskUsage(layersBinary, [dir])).get(dir)!;
    const before = await used();
    expect(before).toBeLessThan(64 * 1024);
    await bench.inside(root, 'dd if=/dev/urandom of=written bs=1k count=512 status=none');
    const written = (await used()) - before;
    expect(written).toBeGreaterThanOrEqual(512 * 1024);
    expect(written).toBeLessThan(600 * 1024);
    // Deeper than a path can be long.
    const deep = 'mkdir $n; for i in $(seq 30); do mkdir up; mv $n up/; mv up $n; done';
    await bench.inside(root, `n=${'n'.repeat(200)}; ${deep}`);
    await removeTree(layersBinary, dir);
    expect(existsSync(dir)).toBe(false);
    expect((await bench.mounts()).filter((line) => !line.includes('/images/'))).toEqual([]);
  });

  test('a collection spares what a container uses, and leaves nothing of the rest', async () => {
    const root = await bench.prepare(image, 'one');
    await bench.images.collectGarbage(new Set([image.digest]));
    expect((await bench.digest(root)).digest).toBe(expected.digest);
    const [summary] = await bench.images.administration.list();
    const report = await bench.images.collectGarbage(new Set());
    expect(report).toMatchObject({ images: [name], layers: 3 });
    expect(report.freedBytes).toBeGreaterThanOrEqual(summary!.unpackedBytes);
    for (const part of ['layers/sha256', 'blobs/sha256', 'trash', 'ingest']) {
      expect(readdirSync(bench.path(`images/${part}`))).toEqual([]);
    }
    expect(await bench.mounts()).toEqual([]);
  });
});
