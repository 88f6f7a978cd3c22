import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdtemp, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { silentLogger } from '@gantry/base';
import { ImageStore, type Image } from '@gantry/image';
import type { ContainerRoot, SnapshotDriver } from './driver.js';
import { removeTree } from './remove-tree.js';

const run = promisify(execFile);
export const layersBinary = join(
  import.meta.dirname,
  '../../../../native/target/release/gantry-layers',
);

/** One driver with an image store of its own, as on a node. */
export class Bench {
  readonly images: ImageStore;
  private constructor(
    readonly dir: string,
    readonly driver: SnapshotDriver,
  ) {
    const { layerFormat } = driver;
    const logger = silentLogger;
    this.images = new ImageStore({ dir: this.path('images'), layersBinary, logger, layerFormat });
  }

  static async start(driver: SnapshotDriver): Promise<Bench> {
    // Upper layers want a real disk.
    return new Bench(await mkdtemp('/var/tmp/gantry-roots-'), driver);
  }

  path(name: string): string {
    return join(this.dir, name);
  }

  prepare(image: Image, name: string, signal?: AbortSignal): Promise<ContainerRoot> {
    return this.driver.prepare(image, this.path(name), signal);
  }

  /** Runs a script in the root, mounted in a namespace of its own as a runtime does; returns what it wrote. */
  async inside(root: ContainerRoot, script: string): Promise<string> {
    const argv = [
      '--mount',
      '--propagation',
      'private',
      'sh',
      '-ec',
      `${mounting(root)}\n${script}`,
    ];
    const { stdout } = await run('unshare', [...argv, 'sh', await mkdtemp(this.path('at-'))]);
    return stdout;
  }

  /** Digest of a sorted archive of all: contents, modes, owners, times, links, attributes. */
  async digest(root: ContainerRoot): Promise<{ digest: string; listing: string }> {
    const archive = this.path('archive.tar');
    const listing = await this.inside(root, listingScript.replaceAll('ARCHIVE', archive));
    const digest = createHash('sha256')
      .update(await readFile(archive))
      .digest('hex');
    return { digest, listing };
  }

  /** What is mounted below the directory. */
  async mounts(): Promise<string[]> {
    const lines = (await readFile('/proc/self/mountinfo', 'utf8')).split('\n');
    return lines.filter((line) => line.includes(this.dir));
  }

  async close(): Promise<void> {
    await this.images.close();
    await run(layersBinary, ['unmount', '--store', this.path('images')]);
    await removeTree(layersBinary, this.dir);
  }
}

function mounting(root: ContainerRoot): string {
  if (root.kind === 'directory') return `mount --bind '${root.directory}' "$1"; cd "$1"`;
  const { lower, upper, work } = root.layers;
  const options = `lowerdir=${lower.join(':')},upperdir=${upper},workdir=${work}`;
  return `mount -t overlay overlay -o '${options}' "$1"; cd "$1"`;
}

const listingScript = `
find . -mindepth 1 -print0 | LC_ALL=C sort -z |
  tar --no-recursion --numeric-owner --xattrs --xattrs-include='*' --format=posix \\
    --pax-option=delete=atime,delete=ctime,exthdr.name=x -cf 'ARCHIVE' --null -T -
tar --xattrs --full-time --numeric-owner -tvvf 'ARCHIVE'
`;

/** A program in the place of gantry-layers that first changes what it sees of the host, in a namespace of its own. */
export async function layersBehind(dir: string, change: string): Promise<string> {
  const path = join(dir, 'layers-behind');
  const inner = `${change}; exec ${layersBinary} "$@"`;
  const lines = ['#!/bin/sh', 'export PATH=/usr/sbin:/usr/bin:/sbin:/bin'];
  lines.push(`exec unshare --mount --propagation private sh -ec '${inner}' sh "$@"`);
  await writeFile(path, `${lines.join('\n')}\n`, { mode: 0o755 });
  return path;
}
