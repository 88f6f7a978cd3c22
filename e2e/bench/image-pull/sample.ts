import { execFileSync } from 'node:child_process';
import { opendirSync, lstatSync } from 'node:fs';
import { join } from 'node:path';
import { type BuiltImage, buildImage, type LayerSource } from '@gantry/testing';

const files = 25_000;
const layers = 5;
/** Larger files would make the image one of a few programs. */
const largestBytes = 8 << 20;
const totalBytes = 640 << 20;
const roots = ['/usr/bin', '/usr/lib', '/usr/share'];

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

/** An image of real files in five gzip layers of about the same number of files. */
export function sampleImage(): BuiltImage {
  const paths = choose();
  const share = Math.ceil(paths.length / layers);
  const sources: LayerSource[] = [];
  for (let i = 0; i < layers; i++) {
    sources.push({ archive: archive(paths.slice(i * share, (i + 1) * share)) });
  }
  return buildImage({ layers: sources });
}
