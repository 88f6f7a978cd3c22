import { readFileSync, writeFileSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { toolsDirectory } from '@gantry/testing';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { eventually } from '../cluster/process.ts';
import { PodBed } from '../node/pod-bed.ts';
import type { SingleHost } from '../node/single-host.ts';
import { archiveLayers, archiveTree, listArchive } from './listing.ts';

let bed: PodBed;
let host: SingleHost;
/** HOST:PORT of the registry inside the host's namespaces. */
let registry: string;

const path = (...parts: string[]) => host.path(join('builders', ...parts));

beforeAll(async () => {
  bed = await PodBed.start();
  host = bed.host;
  registry = host.image.split('/')[0]!;
  await mkdir(path());
  const storage = ['driver="overlay"', `graphroot="${path('g')}"`, `runroot="${path('r')}"`];
  writeFileSync(path('storage.conf'), `[storage]\n${storage.join('\n')}\n`);
});
afterAll(() => host?.close());

/** Runs a program beside the agent, with storage of containers and images of the test's own. */
async function must(argv: readonly string[]): Promise<string> {
  const own = `CONTAINERS_STORAGE_CONF=${path('storage.conf')}`;
  const { code, stdout, stderr } = await host.inside(['env', own, ...argv]);
  if (code === 0) return stdout.trim();
  throw new Error(`${argv.join(' ')} ended with ${code}: ${stderr}`);
}

async function gantry(...args: string[]): Promise<string> {
  const { code, stdout, stderr } = await host.gantry(args);
  if (code === 0) return stdout;
  throw new Error(`gantry ${args.join(' ')} ended with ${code}: ${stderr}`);
}

const hex = (digest: string) => digest.replace('sha256:', '');

/** The layers of the image as the node has them, bottom first. */
async function diffIds(image: string): Promise<string[]> {
  const details = JSON.parse(await gantry('image', 'inspect', image)) as {
    config: { rootfs: { diff_ids: string[] } };
  };
  return details.config.rootfs.diff_ids;
}

/** What a container sees of the image on the node, as an archive. */
async function archiveOurs(image: string, label: string): Promise<string> {
  const index = JSON.parse(readFileSync(host.path('data/images/index.json'), 'utf8')) as {
    names: Record<string, string>;
    images: Record<string, { fixup?: string }>;
  };
  const { fixup } = index.images[index.names[image]!]!;
  const layers = (await diffIds(image)).toReversed();
  const dirs = layers.map((diffId) => host.path(`data/images/layers/sha256/${hex(diffId)}/fs`));
  if (fixup) dirs.unshift(host.path(`data/images/fixups/${fixup}/fs`));
  await mkdir(path(`${label}-scratch`));
  await archiveLayers(dirs, path(`${label}-scratch`), path(`${label}-ours.tar`));
  return path(`${label}-ours.tar`);
}

async function expectSame(ours: string, theirs: string): Promise<void> {
  expect(await listArchive(ours)).toEqual(await listArchive(theirs));
  expect(readFileSync(ours).equals(readFileSync(theirs))).toBe(true);
}

const skopeo = (...args: string[]) => must(['skopeo', '--insecure-policy', ...args]);

test.each(['buildah', 'podman', 'umoci'])(
  'an image that %s made runs, and is what umoci unpacks',
  async (builder) => {
    const image = `${registry}/builders/${builder}:1`;
    const script = join(import.meta.dirname, `builders/${builder}.sh`);
    await must(['sh', script, image, path(), join(await toolsDirectory(), 'busybox')]);
    await bed.run(builder, { container: { image } });
    await bed.ready(builder);
    expect(await host.must(['logs', builder])).toBe('kept\nnew\n');

    const layout = path(`${builder}-layout:x`);
    await skopeo('copy', '-q', '--src-tls-verify=false', `docker://${image}`, `oci:${layout}`);
    await must(['umoci', 'unpack', '--image', layout, path(`${builder}-bundle`)]);
    await archiveTree(path(`${builder}-bundle/rootfs`), path(`${builder}-umoci.tar`), must);
    await expectSame(await archiveOurs(image, builder), path(`${builder}-umoci.tar`));
  },
);

/** Pushes what the node has of the image above under another name; returns that. */
async function pushed(): Promise<string> {
  const target = `${registry}/pushed/app:1`;
  await gantry('image', 'push', `${registry}/builders/buildah:1`, target);
  return target;
}

test('podman and buildah pull what we pushed, and see the same files', async () => {
  const image = await pushed();
  const ours = await archiveOurs(`${registry}/builders/buildah:1`, 'pushed');
  await must(['podman', 'pull', '-q', '--tls-verify=false', image]);
  await archiveTree(await must(['podman', 'image', 'mount', image]), path('podman.tar'), must);
  await expectSame(ours, path('podman.tar'));
  await must(['podman', 'rmi', '-f', image]);
  const container = await must(['buildah', 'from', '--tls-verify=false', image]);
  await archiveTree(await must(['buildah', 'mount', container]), path('buildah.tar'), must);
  await expectSame(ours, path('buildah.tar'));
});

test('docker pulls what we pushed, layer by layer the same', async () => {
  const image = await pushed();
  const socket = `unix://${path('docker.sock')}`;
  const folders = ['--data-root', path('d'), '--exec-root', path('e'), '-p', path('docker.pid')];
  const alone = ['--bridge', 'none', '--iptables=false', '--ip-forward=false'];
  host.start(['dockerd', '-H', socket, ...folders, ...alone, '--log-level', 'error']);
  const docker = ['/usr/bin/docker', '-H', socket];
  await eventually('dockerd', async () => (await host.inside([...docker, 'version'])).code === 0);
  await must([...docker, 'pull', '-q', image]);
  const layers = await must([...docker, 'inspect', '-f', '{{json .RootFS.Layers}}', image]);
  expect(JSON.parse(layers)).toEqual(await diffIds(`${registry}/builders/buildah:1`));
});
