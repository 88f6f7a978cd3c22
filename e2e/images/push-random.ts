// Builds an image that runs, of some layers that no compression makes smaller, and pushes it to the registry on
// loopback: node push-random.ts NAME:TAG LAYERS MEBIBYTES BUSYBOX. Prints the bytes of its blobs.
import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { buildImage, pushImage } from '@gantry/testing';

const [name = '', layers = '3', mebibytes = '4', busybox = ''] = process.argv.slice(2);

const entries = [
  { name: 'bin', type: 'directory' as const, mode: 0o755 },
  { name: 'tmp', type: 'directory' as const, mode: 0o1777 },
  { name: 'bin/busybox', content: readFileSync(busybox), mode: 0o755 },
  { name: 'bin/sleep', type: 'symlink' as const, link: 'busybox' },
  { name: 'bin/sha256sum', type: 'symlink' as const, link: 'busybox' },
];
const random = Array.from({ length: Number(layers) }, (_, index) => ({
  entries: [{ name: `data-${index}`, content: randomBytes(Number(mebibytes) * 2 ** 20) }],
}));
const config = { Env: ['PATH=/bin'], Cmd: ['sleep', '100000'] };
const image = buildImage({ layers: [{ entries }, ...random], config });
await pushImage(`127.0.0.1:5000/${name}`, image);
const sizes = image.layers.map(({ descriptor }) => descriptor.size);
process.stdout.write(`${sizes.reduce((sum, size) => sum + size, 0)}\n`);
