import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { opendirSync, lstatSync } from 'node:fs';
import { join } from 'node:path';
import { type BuiltImage, buildImage, type LayerSource, tar } from '@gantry/testing';
import { gzipSync } from 'node:zlib';

const files = 25_000;
const layers = 5;
/** Larger files would make the image one of a few programs. */
const largestBytes = 8 << 20;
const totalBytes = 640 << 20;
const roots = ['/usr/bin', '/usr/lib', '/usr/share'];
/** What ends an archive, and may not stand within one. */
const archiveEndBytes = 1024;

function* walk(directory: string): Generator<string> {
  const found = opendirSync(directory);
  try {
    for (let entry = found.readSync(); entry; entry = found.readSync()) {
      const path = join(directory, entry.name);
      if (entry.isDirectory()) yield* walk(path);
      else if (entry.isFile() || entry.isSymbolicLink()) yield path;
    }
  } finally {
    found.closeSync();
  }
}

/** Files of this machine, spread evenly over its system directories. */
function choose(): string[] {
  const all = roots.flatMap((root) => [...walk(root)]).toSorted();
  const step = Math.max(1, Math.floor(all.length / files));
  const chosen: string[] = [];
  let bytes = 0;
  for (let i = 0; i < all.length && chosen.length < files; i += step) {
    const { size } = lstatSync(all[i]!);
    if (size > largestBytes || bytes + size > totalBytes) continue;
    bytes += size;
    chosen.push(all[i]!);
  }
  return chosen;
}

function archive(paths: readonly string[]): Buffer {
  // What follows -T is not applied to the names it reads.
  const flags = ['-C', '/', '--no-recursion', '--numeric-owner', '--null', '-T', '-', '-cf', '-'];
  const input = paths.map((path) => path.slice(1)).join('\0');
  return execFileSync('tar', flags, {
    input,
    maxBuffer: 2 ** 31 - 1,
    stdio: ['pipe', 'pipe', 'inherit'],
  });
}

interface Layer {
  readonly archive: Buffer;
  readonly blob: Buffer;
}

/** An image of real files in five gzip layers of about the same number of files. */
export class SampleImage {
  private readonly layers: readonly Layer[];

  private constructor(layers: readonly Layer[]) {
    this.layers = layers;
  }

  static build(): SampleImage {
    const paths = choose();
    const share = Math.ceil(paths.length / layers);
    return new SampleImage(
      Array.from({ length: layers }, (_, i) => {
        const plain = archive(paths.slice(i * share, (i + 1) * share));
        return { archive: plain, blob: gzipSync(plain, { level: 6 }) };
      }),
    );
  }

  /**
   * The same image with other digests: each layer has one more file in front, a gzip member of its own, which is called
   * as `salts` has it for the layer. So nothing needs to be removed between pulls, for which the pull after it would
   * pay: ext4 passes over inodes that were freed within the last minute one by one.
   */
  salted(...salts: readonly string[]): BuiltImage {
    const sources = this.layers.map(({ archive: plain, blob }, i): LayerSource => {
      const name = `salt-${salts[i] ?? salts[0]}`;
      const salt = Buffer.from(tar([{ name, content: name }])).subarray(0, -archiveEndBytes);
      const diffId = createHash('sha256').update(salt).update(plain).digest('hex');
      return { blob: Buffer.concat([gzipSync(salt), blob]), diffId: `sha256:${diffId}` };
    });
    return buildImage({ layers: sources });
  }
}

export const blobBytes = (image: BuiltImage): number =>
  image.layers.reduce((sum, { blob }) => sum + blob.length, 0);
