/**
 * `npm run bench -- image-pull`: an image of 25,000 files in five gzip layers from a registry on loopback to an
 * unpacked root filesystem, nothing of it present, page cache and all. Interleaved with containerd, docker, podman and
 * skopeo with umoci where they are installed; the peak is that of all processes at work.
 */
import { pushImage, startRegistry, type TestRegistry } from '@gantry/testing';
import { mkdtempSync, rmSync } from 'node:fs';
import { performance } from 'node:perf_hooks';
import { type Puller, startPullers } from './image-pull/pullers.ts';
import { watchMemory } from './image-pull/memory.ts';
import { sampleImage } from './image-pull/sample.ts';
import { inNamespaces, type Options, type Report } from './report.ts';
import { summarize } from './statistics.ts';

const rounds = 3;
const mebibyte = 1 << 20;

interface Samples {
  readonly seconds: number[];
  readonly mebibytes: number[];
}

async function measure(puller: Puller, image: string, into: Samples): Promise<void> {
  const memory = watchMemory(puller.daemons);
  const begin = performance.now();
  await puller.pull(image);
  const seconds = (performance.now() - begin) / 1000;
  into.seconds.push(seconds);
  into.mebibytes.push(memory.stop() / mebibyte);
  process.stderr.write(`${puller.name}: ${seconds.toFixed(2)} s\n`);
  await puller.forget(image);
}

async function compare(registry: TestRegistry, directory: string): Promise<Report> {
  const image = `${registry.host}/bench/sample:1`;
  const sample = sampleImage();
  await pushImage(image, sample);
  const blobBytes = sample.layers.reduce((sum, { blob }) => sum + blob.length, 0);
  process.stderr.write(`image: ${Math.round(blobBytes / mebibyte)} MiB in 5 gzip layers\n`);
  const { pullers, missing } = await startPullers(directory);
  const samples = new Map<Puller, Samples>();
  for (const puller of pullers) samples.set(puller, { seconds: [], mebibytes: [] });
  try {
    for (let round = 0; round < rounds; round++) {
      for (const [puller, into] of samples) await measure(puller, image, into);
    }
  } finally {
    for (const puller of pullers) await puller.close();
  }
  const [ours, ...peers] = pullers;
  const of = (key: keyof Samples) =>
    Object.fromEntries(peers.map((peer) => [peer.name, samples.get(peer)![key]]));
  const own = samples.get(ours!)!;
  return {
    missing,
    results: [
      summarize('pull', 's', own.seconds, of('seconds')),
      summarize('peak_memory', 'MiB', own.mebibytes, of('mebibytes')),
    ],
  };
}

export function run(options: Options): Promise<Report> {
  return inNamespaces('image-pull', options, async () => {
    const directory = mkdtempSync('/var/tmp/gantry-image-pull-');
    const registry = await startRegistry();
    try {
      return await compare(registry, directory);
    } finally {
      await registry.stop();
      rmSync(directory, { recursive: true, force: true });
    }
  });
}
