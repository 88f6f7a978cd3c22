import { NodeKind, type Node } from '@gantry/api';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { Resources } from '../api/index.js';
import { testConfig } from '../config.js';
import { startControlPlane, type ControlPlane } from '../control-plane.js';
import { NodeRegistrar } from './node-registrar.js';

let directory: string;
let plane: ControlPlane;
let resources: Resources;
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'gantry-registrar-'));
  plane = await startControlPlane(testConfig(directory));
  resources = plane.get(Resources);
});
afterAll(async () => {
  await plane?.close();
  await rm(directory, { recursive: true, force: true });
});

const told = (annotations: Record<string, string>): Node => ({
  apiVersion: 'v1',
  kind: 'Node',
  metadata: { name: 'one', annotations },
  spec: {},
});

test('an agent says how it makes roots, takes it back, and writes no other annotation', async () => {
  const registrar = new NodeRegistrar(resources);
  const copy = { 'gantry.dev/snapshotter': 'copy', 'gantry.dev/snapshotter-reason': 'no overlay' };
  const first = await registrar.register('one', told({ ...copy, 'gantry.dev/other': 'x' }));
  expect(first.metadata.annotations).toEqual(copy);
  await resources.mutate(NodeKind, undefined, 'one', (node) => ({
    ...node,
    metadata: { ...node.metadata, annotations: { ...copy, note: 'of the user' } },
  }));
  const overlay = { 'gantry.dev/snapshotter': 'overlay' };
  const later = await registrar.register('one', told({ ...overlay, note: 'of the agent' }));
  expect(later.metadata.annotations).toEqual({ ...overlay, note: 'of the user' });
});
