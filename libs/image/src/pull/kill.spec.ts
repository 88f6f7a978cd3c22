import {
  buildImage,
  FaultProxy,
  pushImage,
  startRegistry,
  type TestRegistry,
} from '@gantry/testing';
import { randomBytes } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { digestOf } from '../manifest.js';
import { compileLibrary, killPull, startPull } from '../spec/pull-process.js';
import { damagedBlobs, withStore } from '../spec/stores.js';

let registry: TestRegistry;
let proxy: FaultProxy;

beforeAll(async () => {
  compileLibrary();
  registry = await startRegistry();
  proxy = await FaultProxy.start(registry.host);
});
afterAll(async () => {
  await proxy?.close();
  await registry?.stop();
});

const layerBytes = 2 << 20;

/** Resolves once the pull has told that so many bytes are done. */
async function reached(stdout: AsyncIterable<Buffer>, bytes: number): Promise<void> {
  for await (const lines of stdout) {
    if (
      lines
        .toString()
        .split('\n')
        .some((line) => Number(line) >= bytes)
    )
      return;
  }
}

test.each([
  { layerFormat: 'directory', rounds: 8 },
  { layerFormat: 'erofs', rounds: 4 },
] as const)(
  'a kill at any moment leaves a store that verifies and goes on (layers as $layerFormat)',
  { timeout: 60_000 },
  async ({ layerFormat, rounds }) => {
    const contents = [randomBytes(layerBytes), randomBytes(layerBytes)];
    const layers = contents.map((content, i) => ({ entries: [{ name: `f${i}`, content }] }));
    await pushImage(`${registry.host}/kill:${layerFormat}`, buildImage({ layers }));
    const name = `${proxy.host}/kill:${layerFormat}`;
    const sentBefore = proxy.bytesSent;
    proxy.fault = ({ path }) =>
      path.includes('/blobs/') ? { bytesPerSecond: 1 << 20 } : undefined;
    const dir = await mkdtemp(join(tmpdir(), 'gantry-kill-'));
    try {
      for (let round = 0; round < rounds; round += 1) {
        const child = startPull(dir, name, layerFormat);
        await reached(child.stdout!, ((round + 1) * 2 * layerBytes) / (rounds + 4));
        await killPull(child, round % 2 === 0);
        expect(damagedBlobs(dir)).toEqual([]);
        for (const layer of readdirSync(join(dir, 'layers/sha256'))) {
          const record = readFileSync(join(dir, 'layers/sha256', layer, 'layer.json'), 'utf8');
          expect(JSON.parse(record)).toMatchObject({ diffId: `sha256:${layer}` });
        }
      }
      await withStore({ dir, layerFormat }, async (store) => {
        expect(await store.get(name)).toBeUndefined();
        const { layerDirs } = await store.pull(name);
        const files = layerDirs.toReversed().map((layer, i) => readFileSync(join(layer, `f${i}`)));
        expect(files.map(digestOf)).toEqual(contents.map(digestOf));
      });
      expect(damagedBlobs(dir)).toEqual([]);
      expect(readdirSync(join(dir, 'ingest'))).toEqual([]);
      expect(proxy.bytesSent - sentBefore).toBeLessThan(3 * 2 * layerBytes);
    } finally {
      await rm(dir, { recursive: true, force: true });
    }
  },
);
