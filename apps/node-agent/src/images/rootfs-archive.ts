import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, rm, symlink } from 'node:fs/promises';
import { join } from 'node:path';
import { GantryError } from '@gantry/base';
import type { Image } from '@gantry/image';
import type { SnapshotDriver } from '../snapshots/driver.js';

/** Most bytes kept of what tar has to say. */
const maxComplaintBytes = 4096;

// Numeric owners and all attributes: the archive is for machines, not for this host's users.
const tarFlags = [
  '--create',
  '--numeric-owner',
  '--one-file-system',
  '--sparse',
  '--xattrs',
  "--xattrs-include='security.capability'",
  "--xattrs-include='user.*'",
  '--file=-',
].join(' ');

// A mount in a namespace of its own, read-only, ends with the process whatever happens to us. Names are relative
// because the kernel takes no more than a page of options.
const mounted = [
  'cd "$1" && mount -t overlay overlay -o "ro,lowerdir=$2" root',
  `exec tar ${tarFlags} --directory=root .`,
].join(' && ');

/** What a container sees of its root: volumes and /proc lie on other file systems and are left out. */
function containerCommand(pid: number): string[] {
  return ['sh', '-c', `exec tar ${tarFlags} --directory="/proc/$1/root" .`, 'sh', String(pid)];
}

/** The root of a running container as one tar archive; rejects when tar fails. */
export async function* containerArchive(pid: number, signal: AbortSignal): AsyncGenerator<Buffer> {
  yield* output(containerCommand(pid), signal);
}

/**
 * The image flattened to one tar archive, from what a container's root would be made of here; `scratch` is a
 * directory to work in.
 */
export async function* imageArchive(
  image: Pick<Image, 'layerDirs'>,
  snapshots: SnapshotDriver,
  scratch: string,
  signal: AbortSignal,
): AsyncGenerator<Buffer> {
  const dir = await mkdtemp(join(scratch, 'export-'));
  try {
    const root = await snapshots.prepare(image, join(dir, 'layer'), signal);
    if (root.kind === 'directory') yield* directoryArchive(root.directory, signal);
    else yield* layersArchive(root.layers.lower, dir, signal);
  } finally {
    await rm(dir, { recursive: true, force: true });
  }
}

async function* directoryArchive(dir: string, signal: AbortSignal): AsyncGenerator<Buffer> {
  yield* output(['sh', '-c', `exec tar ${tarFlags} --directory="$1" .`, 'sh', dir], signal);
}

async function* layersArchive(
  layerDirs: readonly string[],
  dir: string,
  signal: AbortSignal,
): AsyncGenerator<Buffer> {
  const names = layerDirs.map((_, index) => `l${index}`);
  await Promise.all(names.map((name, index) => symlink(layerDirs[index]!, join(dir, name))));
  await mkdir(join(dir, 'root'));
  // Overlayfs wants two lowers; an empty one at the bottom changes nothing.
  await mkdir(join(dir, 'none'));
  const lowers = [...names, 'none'].join(':');
  const unshare = ['unshare', '--mount', '--propagation', 'private'];
  yield* output([...unshare, 'sh', '-c', mounted, 'sh', dir, lowers], signal);
}

async function* output(argv: readonly string[], signal: AbortSignal): AsyncGenerator<Buffer> {
  const [program = '', ...rest] = argv;
  const stdio: ['ignore', 'pipe', 'pipe'] = ['ignore', 'pipe', 'pipe'];
  const child = spawn(program, rest, { stdio, signal, killSignal: 'SIGKILL' });
  let complaint = '';
  child.stderr.on('data', (chunk: Buffer) => {
    if (complaint.length < maxComplaintBytes) complaint += chunk.toString('utf8');
  });
  const closed = once(child, 'close') as Promise<[number | null]>;
  closed.catch(() => {});
  try {
    yield* child.stdout as AsyncIterable<Buffer>;
    const [code] = await closed;
    // 1: a file of a running container changed while it was read, which is for the caller to know, not to suffer.
    if (code === 0 || (code === 1 && /changed as we read it/.test(complaint))) return;
    throw new GantryError('InternalError', `tar ended with ${code}: ${complaint.trim()}`);
  } finally {
    child.kill('SIGKILL');
  }
}
