import { mkdtemp, readFile, rm, stat, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as fc from 'fast-check';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { Checkpoint, PlacedRecords, writeCheckpoint } from './checkpoint-file.js';

let [folder, file] = ['', ''];

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'gantry-checkpoint-'));
  file = join(folder, 'scheduler-checkpoint');
});

afterEach(() => rm(folder, { recursive: true }));

const classes = [{ metadata: { labels: { app: 'ü' } }, spec: { containers: [] } }];
const header = { id: 'x', revision: '7', nodes: ['a', 'b'], classes, devices: [], unrecorded: [] };
const uid = '0f8fad5b-d9cb-469f-a165-70867728950e';

async function writeOne(): Promise<void> {
  const records = new PlacedRecords(1);
  records.add(uid, 0, 1);
  await writeCheckpoint(file, { ...header, unrecorded: ['default/p'] }, records);
}

test('what is written is read, whatever the number of pods, and only the owner may', async () => {
  const pods = fc.array(fc.record({ uid: fc.uuid(), podClass: fc.nat(99), node: fc.nat(1) }));
  await fc.assert(
    fc.asyncProperty(pods, fc.nat(3), async (placed, expected) => {
      const records = new PlacedRecords(expected);
      for (const each of placed) expect(records.add(each.uid, each.podClass, each.node)).toBe(true);
      const devices = placed.flatMap((_, i) => (i % 3 === 1 ? [[i, { gpu: [i] }] as const] : []));
      await writeCheckpoint(file, { ...header, devices }, records);
      const read = (await Checkpoint.read(file))!;
      expect(read.header).toEqual({ ...header, devices });
      expect([...read.placed()]).toEqual(
        placed.map((each, i) => ({
          ...each,
          node: header.nodes[each.node],
          devices: i % 3 === 1 ? { gpu: [i] } : undefined,
        })),
      );
      expect((await stat(file)).mode & 0o777).toBe(0o600);
    }),
    { numRuns: 30 },
  );
});

test('a uid that is not 36 plain characters has no record', () => {
  const records = new PlacedRecords(0);
  expect(records.add('short', 0, 0)).toBe(false);
  expect(records.add('ü'.repeat(18), 0, 0)).toBe(false);
  expect(records.add('ü'.repeat(36), 0, 0)).toBe(false);
  expect(records.size).toBe(0);
});

test('a file that is cut, changed, or of another version is refused; none is none', async () => {
  expect(await Checkpoint.read(file)).toBeUndefined();
  await writeOne();
  const whole = await readFile(file);
  for (const length of [0, 3, whole.length - 44, whole.length - 1]) {
    await writeFile(file, whole);
    await truncate(file, length);
    await expect(Checkpoint.read(file)).rejects.toThrow('is not whole');
  }
  for (const at of [1, whole.length - 10, whole.length - 1]) {
    const changed = Buffer.from(whole);
    changed[at]! ^= 1;
    await writeFile(file, changed);
    await expect(Checkpoint.read(file)).rejects.toThrow('is not whole');
  }
  await writeFile(file, whole);
  expect((await Checkpoint.read(file))!.size).toBe(1);
});

test('what an interrupted write left behind is in nobody’s way', async () => {
  await writeFile(`${file}.new`, 'half');
  await writeOne();
  expect((await Checkpoint.read(file))!.header.unrecorded).toEqual(['default/p']);
});
