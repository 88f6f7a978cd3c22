import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { NodeKind, PodKind } from '@gantry/api';
import { ManualClock } from '@gantry/testing';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { PodLists } from './pod-lists.js';

let dataDir = '';

beforeEach(async () => {
  dataDir = await mkdtemp(join(tmpdir(), 'gantry-lists-'));
});

afterEach(() => rm(dataDir, { recursive: true }));

const lists = (checkpointPods: number, clock = new ManualClock()) =>
  new PodLists({ dataDir, identity: 'me', compactionMinutes: 5, checkpointPods }, clock);

test('only lists of pods wait, only where there is a checkpoint that is wanted', async () => {
  expect(lists(1).turn(PodKind)).toBeUndefined();
  await writeFile(join(dataDir, 'scheduler-checkpoint'), 'any');
  expect(lists(0).turn(PodKind)).toBeUndefined();
  expect(lists(1).turn(PodKind)).toBeInstanceOf(Promise);
  expect(lists(1).turn(NodeKind)).toBeUndefined();
});

test('they wait until they are released, or no longer than a time', async () => {
  await writeFile(join(dataDir, 'scheduler-checkpoint'), 'any');
  const clock = new ManualClock();
  const [released, forgotten] = [lists(1, clock), lists(1, clock)];
  const turns = [released.turn(PodKind), forgotten.turn(PodKind)];
  released.release();
  await turns[0];
  expect(released.turn(PodKind)).toBeUndefined();
  expect(forgotten.turn(PodKind)).toBeDefined();
  clock.advance(15_000);
  await turns[1];
  expect(forgotten.turn(PodKind)).toBeUndefined();
});
