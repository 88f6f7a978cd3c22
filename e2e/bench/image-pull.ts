/**
 * `npm run bench -- image-pull [--rounds N] [--peers NAME,…]`: an image of 25,000 files in five gzip layers from a
 * registry on loopback to an unpacked root filesystem, nothing of it present. Then one that shares four of its five
 * layers, and for ours twenty pulls of a third at once. In turns with containerd, docker, podman and skopeo with umoci
 * where they are installed. Every pull is of an image of its own, the same but for digests, and nothing is removed
 * before the end; all unpack onto one ext4 file system of the bench's own. Bytes are those that crossed the loopback
 * device of a network namespace that has nothing else.
 */
import { type BuiltImage, pushImage, startRegistry, type TestRegistry } from '@gantry/testing';
import { readFileSync } from 'node:fs';
import { performance } from 'node:perf_hooks';
import { makeDisk } from './image-pull/disk.ts';
import { type Puller, pullerNames, startPullers } from './image-pull/pullers.ts';
import { watchResources } from './image-pull/resources.ts';
import { blobBytes, SampleImage } from './image-pull/sample.ts';
import type { FlagUses } from './flags.ts';
import { inNamespaces, type Options, type Report } from './report.ts';
import { summarize } from './statistics.ts';

const mebibyte = 1 << 20;
const atOnce = 20;

/** What one pull took. */
interface Cost {
  readonly seconds: number;
  readonly cpuSeconds: number;
  readonly peakBytes: number;
  /** That came from the registry, requests and headers included. */
  readonly bytes: number;
}

/** The pulls of one puller, in the order of the rounds. */
interface Samples {
  readonly first: Cost[];
  readonly second: Cost[];
}

interface Settings {
  readonly rounds: number;
  readonly peers: readonly string[];
}

/** What the loopback device of this network namespace has received, in bytes. */
function loopbackBytes(): number {
  const found = /^ *lo: *(\d+)/m.exec(readFileSync('/proc/self/net/dev', 'utf8'));
  if (!found) throw new Error('/proc/self/net/dev does not tell of lo');
  return Number(found[1]);
}

async function measure(puller: Puller, label: string, pull: () => Promise<void>): Promise<Cost> {
  const usage = watchResources(puller.daemons);
  const [bytesBefore, begin] = [loopbackBytes(), performance.now()];
  await pull();
  const seconds = (performance.now() - begin) / 1000;
  const bytes = loopbackBytes() - bytesBefore;
  const cost = { seconds, bytes, ...usage.stop() };
  const told = [`${seconds.toFixed(2)} s`, `${cost.cpuSeconds.toFixed(2)} s of CPU`];
  process.stderr.write(`${puller.name} ${label}: ${told.join(', ')}\n`);
  return cost;
}

class Rounds {
  private readonly registry: TestRegistry;
  private readonly sample: SampleImage;

  constructor(registry: TestRegistry, sample: SampleImage) {
    this.registry = registry;
    this.sample = sample;
  }

  async push(name: string, image: BuiltImage): Promise<string> {
    const reference = `${this.registry.host}/bench/${name}`;
    await pushImage(reference, image);
    return reference;
  }

  async run(round: number, pullers: ReadonlyMap<Puller, Samples>): Promise<void> {
    const salt = `${round}`;
    const first = await this.push(`first:${round}`, this.sample.salted(salt));
    const second = await this.push(
      `second:${round}`,
      this.sample.salted(salt, salt, `second-${salt}`),
    );
    for (const [puller, samples] of pullers) {
      samples.first.push(await measure(puller, 'image', () => puller.pull(first)));
      samples.second.push(await measure(puller, 'second', () => puller.pull(second)));
    }
  }

  /** What asking for an image so many times at once took. */
  async together(round: number, puller: Puller): Promise<Cost> {
    const image = await this.push(`together:${round}`, this.sample.salted(`together-${round}`));
    return measure(puller, `${atOnce} at once`, () => puller.pull(image, atOnce));
  }
}

function results(all: ReadonlyMap<Puller, Samples>, together: readonly Cost[], image: BuiltImage) {
  const [ours, ...peers] = [...all];
  const own = ours![1];
  const row = (name: string, unit: string, which: keyof Samples, of: (cost: Cost) => number) =>
    summarize(
      name,
      unit,
      own[which].map(of),
      Object.fromEntries(peers.map(([peer, samples]) => [peer.name, samples[which].map(of)])),
    );
  const layer = image.layers[2]!.blob.length;
  const alone = { 'one pull': own.first.map(({ bytes }) => bytes / mebibyte) };
  return [
    row('pull', 's', 'first', ({ seconds }) => seconds),
    row('cpu', 's', 'first', ({ cpuSeconds }) => cpuSeconds),
    row('peak_memory', 'MiB', 'first', ({ peakBytes }) => peakBytes / mebibyte),
    row('second_image', 's', 'second', ({ seconds }) => seconds),
    row('second_image_layers', 'layers', 'second', ({ bytes }) => bytes / layer),
    summarize(
      'together',
      's',
      together.map(({ seconds }) => seconds),
      {
        'one pull': own.first.map(({ seconds }) => seconds),
      },
    ),
    summarize(
      'together_bytes',
      'MiB',
      together.map(({ bytes }) => bytes / mebibyte),
      alone,
    ),
  ];
}

async function compare(
  registry: TestRegistry,
  directory: string,
  { rounds, peers }: Settings,
): Promise<Report> {
  const sample = SampleImage.build();
  const image = sample.salted('size');
  process.stderr.write(`image: ${Math.round(blobBytes(image) / mebibyte)} MiB in 5 gzip layers\n`);
  const { pullers, missing } = await startPullers(directory, peers);
  const all = new Map<Puller, Samples>();
  for (const puller of pullers) all.set(puller, { first: [], second: [] });
  const together: Cost[] = [];
  const work = new Rounds(registry, sample);
  try {
    for (let round = 0; round < rounds; round++) {
      await work.run(round, all);
      together.push(await work.together(round, pullers[0]!));
    }
  } finally {
    for (const puller of pullers) await puller.close();
  }
  return { missing, results: results(all, together, image) };
}

export const flags: FlagUses = {
  rounds: { takes: 'N', fallback: '3' },
  peers: { takes: 'NAME,…', fallback: pullerNames.slice(1).join() },
};

export function run(options: Options): Promise<Report> {
  const rounds = options.flags.number('rounds');
  const peers = options.flags.text('peers').split(',');
  return inNamespaces('image-pull', options, async () => {
    const disk = await makeDisk();
    const registry = await startRegistry();
    try {
      return await compare(registry, disk.directory, { rounds, peers });
    } finally {
      await registry.stop();
      await disk.close();
    }
  });
}
