import { silentLogger } from '@gantry/base';
import { type ImageConfig, ImageStore } from '@gantry/image';
import {
  buildImage,
  pushImage,
  startRegistry,
  tar,
  type TarEntry,
  type TestRegistry,
} from '@gantry/testing';
import { readFileSync } from 'node:fs';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { checkout } from '../cluster/cluster.ts';
import { must } from '../cluster/process.ts';
import { archiveLayers, archiveTree, listArchive } from './listing.ts';

let registry: TestRegistry;
let directory: string;
let store: ImageStore;

const path = (...parts: string[]) => join(directory, ...parts);

beforeAll(async () => {
  registry = await startRegistry();
  // Overlay uppers and umoci's attributes want a real file system.
  directory = await mkdtemp('/var/tmp/gantry-peers-');
  store = new ImageStore({
    dir: path('images'),
    layersBinary: join(checkout, 'native/target/release/gantry-layers'),
    logger: silentLogger,
  });
});
afterAll(async () => {
  await store?.close();
  await registry?.stop();
  if (directory) await rm(directory, { recursive: true, force: true });
});

const skopeo = (...args: string[]) => must(['skopeo', '--insecure-policy', ...args]);

/** Unpacks with skopeo and umoci, and with ours; both trees as archives. */
async function unpackBoth(image: string, label: string): Promise<[string, string]> {
  const layout = path(`${label}-layout`);
  await skopeo('copy', '-q', '--src-tls-verify=false', `docker://${image}`, `oci:${layout}:x`);
  await must(['umoci', 'unpack', '--image', `${layout}:x`, path(`${label}-bundle`)]);
  const archives: [string, string] = [path(`${label}-umoci.tar`), path(`${label}-ours.tar`)];
  await archiveTree(path(`${label}-bundle`, 'rootfs'), archives[0]);
  const { layerDirs } = await store.pull(image);
  await mkdir(path(`${label}-scratch`));
  await archiveLayers(layerDirs, path(`${label}-scratch`), archives[1]);
  return archives;
}

async function expectSame(image: string, label: string): Promise<void> {
  const [theirs, ours] = await unpackBoth(image, label);
  expect(await listArchive(ours)).toEqual(await listArchive(theirs));
  expect(readFileSync(ours).equals(readFileSync(theirs))).toBe(true);
}

const mtime = 1_600_000_000;
const dir = (name: string, more: Partial<TarEntry> = {}): TarEntry => ({
  name,
  type: 'directory',
  mtime,
  ...more,
});
const file = (name: string, content = name, more: Partial<TarEntry> = {}): TarEntry => ({
  name,
  content,
  mtime,
  ...more,
});

function sparse(name: string): TarEntry {
  const map = Buffer.alloc(512);
  map.write('2\n0\n5\n900000\n5\n');
  const pax = {
    'GNU.sparse.major': '1',
    'GNU.sparse.minor': '0',
    'GNU.sparse.name': name,
    'GNU.sparse.realsize': '1000000',
  };
  return { name, content: Buffer.concat([map, Buffer.from('0123456789')]), pax, mtime };
}

const base = [
  dir('./', { mode: 0o755 }),
  dir('d/', { mode: 0o2770, uid: 3, gid: 4 }),
  file('d/plain', 'text', { mode: 0o640, uid: 1, gid: 2 }),
  file('d/setuid', 'su', { mode: 0o4755 }),
  { name: 'd/hard', type: 'hardlink', link: 'd/plain', mtime },
  { name: 'd/soft', type: 'symlink', link: '../d/plain', mtime, uid: 9 },
  { name: 'd/dangling', type: 'symlink', link: '/no/where', mtime },
  file('d/attributes', 'x', { pax: { 'SCHILY.xattr.user.note': 'value', mtime: '1600000000.25' } }),
  { name: 'd/pipe', type: 'fifo', mtime },
  { name: 'd/null', type: 'char', major: 1, minor: 3, mode: 0o666, mtime },
  sparse('d/sparse'),
  file(`d/${'long-'.repeat(45)}`, 'a name of over 200 bytes'),
  file('d/ünïcode', 'bytes'),
  dir('opaque/'),
  file('opaque/hidden'),
  dir('gone/'),
  file('gone/too'),
  dir('becomes-file/'),
  file('becomes-file/x'),
  file('becomes-dir'),
] as const satisfies TarEntry[];

const change: TarEntry[] = [
  dir('opaque/', { mode: 0o700 }),
  file('opaque/.wh..wh..opq', ''),
  file('opaque/new'),
  file('.wh.gone', ''),
  file('becomes-file', 'now a file'),
  dir('becomes-dir/'),
  file('becomes-dir/inside'),
  dir('d/', { mode: 0o2771, uid: 3, gid: 4 }),
  file('d/.wh.setuid', ''),
  file('d/plain', 'replaced'),
];

test('links, sparse files, attributes and whiteouts come out as umoci has them', async () => {
  const image = `${registry.host}/peers/odd:1`;
  await pushImage(image, buildImage({ layers: [{ entries: base }, { entries: change }] }));
  await expectSame(image, 'odd');
});

test('sixty layers over each other come out as umoci has them', async () => {
  const layers = Array.from({ length: 60 }, (_, i) => ({
    entries: [
      dir('shared/', { mode: 0o755, mtime: mtime + i }),
      file('shared/last', `layer ${i}`),
      file(`shared/own-${i}`, `${i}`),
      ...(i > 0 && i % 3 === 0 ? [file(`shared/.wh.own-${i - 1}`, '')] : []),
    ],
  }));
  const image = `${registry.host}/peers/sixty:1`;
  await pushImage(image, buildImage({ layers }));
  await expectSame(image, 'sixty');
});

test('a hundred thousand files come out as umoci has them', { timeout: 300_000 }, async () => {
  const entries: TarEntry[] = [];
  for (let folder = 0; folder < 500; folder++) {
    entries.push(dir(`d${folder}/`));
    for (let i = 0; i < 200; i++) entries.push(file(`d${folder}/f${i}`, `${folder}/${i}`));
  }
  const image = `${registry.host}/peers/many:1`;
  await pushImage(image, buildImage({ layers: [{ archive: tar(entries), compression: 'none' }] }));
  await expectSame(image, 'many');
});

const config: ImageConfig = { Cmd: ['/bin/app'], Env: ['A=b'] };

test('skopeo takes what we pushed and saved, and we what it wrote', async () => {
  const image = `${registry.host}/peers/both:1`;
  await pushImage(image, buildImage({ config, layers: [{ entries: base }, { entries: change }] }));
  const pulled = await store.pull(image);
  await store.push(image, { target: `${registry.host}/peers/pushed:1` });
  await writeFile(path('saved.tar'), await store.save([image]));
  const inspected = await skopeo('inspect', '--config', `oci-archive:${path('saved.tar')}`);
  expect(JSON.parse(inspected)).toMatchObject({ config });
  for (const [label, transport] of [
    ['oci', 'oci-archive'],
    ['docker', 'docker-archive'],
  ] as const) {
    const written = path(`skopeo-${label}.tar`);
    const target = `${transport}:${written}:skopeo/${label}:1`;
    const from = `docker://${registry.host}/peers/pushed:1`;
    await skopeo('copy', '-q', '--src-tls-verify=false', from, target);
    expect(await store.load(written, { name: `skopeo/${label}:1` })).toEqual([
      `docker.io/skopeo/${label}:1`,
    ]);
    const loaded = await store.get(`skopeo/${label}:1`);
    // By diffID the layers are the same, so they are shared with the pulled image.
    expect(loaded).toMatchObject({ layerDirs: pulled.layerDirs, config });
  }
});
