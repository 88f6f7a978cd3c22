import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { Pod } from '@gantry/api';
import { silentLogger } from '@gantry/base';
import { ImageStore } from '@gantry/image';
import { buildImage, pushImage, startRegistry, type TestRegistry } from '@gantry/testing';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { parseConfig } from '../config.js';
import { diskSpace } from '../node/host.js';
import type { PodEvent } from '../pods/node-context.js';
import { PodState } from '../pods/pod-state.js';
import { containerRecord, newRecord } from '../pods/record.js';
import { ImageCollector, type ImageCollectorOptions } from './image-collector.js';
import { imagesInUse } from './in-use.js';

const run = promisify(execFile);
const layersBinary = join(import.meta.dirname, '../../../../native/target/release/gantry-layers');
const layerBytes = 3 * 2 ** 20;
/** Four images of a layer and its blob, 6 MiB each, take three quarters of it. */
const diskBytes = 32 * 2 ** 20;

let registry: TestRegistry;
let dir: string;
let store: ImageStore;
let events: PodEvent[];

beforeEach(async () => {
  registry = await startRegistry();
  dir = await mkdtemp(join(tmpdir(), 'gantry-collector-'));
  // A small disk of its own, so that the test fills it and no other.
  await run('mount', ['-t', 'tmpfs', '-o', `size=${diskBytes}`, 'gantry-collector', dir]);
  store = new ImageStore({ dir: join(dir, 'images'), layersBinary, logger: silentLogger });
  events = [];
});

afterEach(async () => {
  await store?.close();
  await run('umount', [dir]);
  await rm(dir, { recursive: true, force: true });
  await registry?.stop();
});

async function pulled(name: string): Promise<string> {
  const reference = `${registry.host}/${name}:1`;
  const file = { name: 'data', content: randomBytes(layerBytes) };
  await pushImage(reference, buildImage({ layers: [{ entries: [file], compression: 'none' }] }));
  await store.pull(reference);
  return reference;
}

function collector(options: Partial<ImageCollectorOptions>): ImageCollector {
  return new ImageCollector({
    highPercent: 70,
    lowPercent: 50,
    periodSeconds: 1,
    minimumAgeSeconds: 0,
    images: store,
    dir,
    inUse: () => new Set(),
    events: { emitForNode: (event) => events.push(event) },
    logger: silentLogger,
    ...options,
  });
}

async function usedPercent(): Promise<number> {
  const { totalBytes, availableBytes } = await diskSpace(dir);
  return 100 - (availableBytes / totalBytes) * 100;
}

const present = async () => (await store.list()).map(({ reference }) => reference).sort();

describe('image garbage collection', () => {
  test('begins at the high threshold and ends at the low one, unused images alone', async () => {
    const first = await pulled('a-used');
    const second = await pulled('b-idle');
    expect(await collector({}).collect()).toBeUndefined();
    expect(await present()).toEqual([first, second]);

    const third = await pulled('c-idle');
    const fourth = await pulled('d-idle');
    expect(await usedPercent()).toBeGreaterThan(70);
    await store.get(second);
    const inUse = () => new Set([first]);
    const report = await collector({ inUse }).collect();
    expect(report).toMatchObject({ layers: 2, blobs: expect.any(Number) });
    expect(report!.images).toEqual([third, fourth]);
    expect(report!.freedBytes).toBeGreaterThan(4 * layerBytes - 2 ** 20);
    expect(await usedPercent()).toBeLessThanOrEqual(50);
    expect(await present()).toEqual([first, second]);
    expect(events).toEqual([
      {
        type: 'Normal',
        reason: 'ImageGarbageCollected',
        message: expect.stringMatching(/^Removed 2 unused images \(12\.\d MiB\): .*c-idle:1/),
      },
    ]);
  });

  test('says once that nothing more can be freed', async () => {
    const names = [await pulled('a'), await pulled('b'), await pulled('c'), await pulled('d')];
    const full = collector({ inUse: () => new Set(names) });
    await full.collect();
    await full.collect();
    expect(await present()).toEqual(names);
    expect(events).toEqual([
      expect.objectContaining({ type: 'Warning', reason: 'FreeDiskSpaceFailed' }),
    ]);
  });

  test('spares images that were just pulled', async () => {
    const names = [await pulled('a'), await pulled('b'), await pulled('c'), await pulled('d')];
    await collector({ minimumAgeSeconds: 120 }).collect();
    expect(await present()).toEqual(names);
  });

  test('spares an image that a pod takes up while the store is being walked', async () => {
    const names = [await pulled('a'), await pulled('b'), await pulled('c'), await pulled('d')];
    const asked = new Set<string>();
    // The pod arrives once every image was found unused, before the first is removed.
    const comesLate = {
      has(key: string) {
        const isLate = names.every((name) => asked.has(name));
        asked.add(key);
        return isLate && key === names[0];
      },
    } as ReadonlySet<string>;
    const { images } = (await collector({ inUse: () => comesLate, lowPercent: 0 }).collect())!;
    expect(images).toEqual(names.slice(1));
    expect(await present()).toContain(names[0]);
    const { layerDirs } = (await store.get(names[0]!))!;
    expect(layerDirs.every((layer) => existsSync(layer))).toBe(true);
  });

  test('runs by itself, once per period, until it is stopped', async () => {
    const stop = new AbortController();
    const running = collector({}).run(stop.signal);
    for (const name of ['a', 'b', 'c', 'd']) await pulled(name);
    await expect.poll(() => present().then((all) => all.length), { timeout: 10_000 }).toBe(2);
    stop.abort();
    await running;
  });
});

function pod(name: string, images: string[], changes: Partial<Pod['spec']> = {}): PodState {
  const containers = images.map((image, index) => ({ name: `c${index}`, image }));
  const spec = { containers, restartPolicy: 'Never' as const, ...changes };
  const metadata = { name, namespace: 'default', uid: name };
  return new PodState({ metadata, spec }, newRecord(name, 'boot'), {} as never);
}

describe('images in use', () => {
  test('are those of pods that wait, by their full names, init containers included', () => {
    const initContainers = [{ name: 'init', image: 'busybox' }];
    expect(imagesInUse([pod('p', ['nginx:1.27', 'Not A Name'], { initContainers })])).toEqual(
      new Set(['docker.io/library/busybox:latest', 'docker.io/library/nginx:1.27', 'Not A Name']),
    );
  });

  test('are by digest what containers run from, and none of a pod that has ended', () => {
    const running = pod('p', ['nginx:1.27']);
    const attempt = { id: 'x', attempt: 0, image: 'nginx:1.27', imageId: 'sha256:abc' };
    const record = containerRecord(running.record, 'c0');
    record.current = { ...attempt, startedAt: 'now' };
    expect(imagesInUse([running])).toEqual(new Set(['sha256:abc', 'docker.io/library/nginx:1.27']));
    record.current = { ...attempt, exit: { exitCode: 0, reason: 'Completed', finishedAt: 'now' } };
    expect(imagesInUse([running])).toEqual(new Set());
  });
});

test('thresholds are flags whose faults are told', () => {
  const flags = ['--server=h:1', '--node-name=n', '--image-gc-high=60', '--image-gc-low=70'];
  expect(() => parseConfig(flags)).toThrow('--image-gc-low must not be above --image-gc-high');
  expect(() => parseConfig([...flags.slice(0, 2), '--peer-bandwidth=100Ki'])).toThrow(
    /1Mi at least/,
  );
  const { imageGarbage } = parseConfig([...flags.slice(0, 3), '--image-gc-low=40']);
  expect(imageGarbage).toEqual({
    highPercent: 60,
    lowPercent: 40,
    periodSeconds: 60,
    minimumAgeSeconds: 120,
  });
});
