import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, expect, test } from 'vitest';
import { startEtcd } from '@gantry/testing';
import { controlPlaneDist, startControlPlane } from '../cluster/control-plane-process.ts';
import { end } from '../cluster/process.ts';

let stack: AsyncDisposableStack | undefined;
afterEach(() => stack?.disposeAsync());

/** The control plane as a host has it: its bundle and nothing beside it. */
function installed(owner: AsyncDisposableStack): string {
  const folder = mkdtempSync(join(tmpdir(), 'gantry-bundle-'));
  owner.defer(() => rmSync(folder, { recursive: true, force: true }));
  for (const part of ['bundle', 'proto']) {
    cpSync(join(controlPlaneDist, part), join(folder, part), { recursive: true });
  }
  return folder;
}

test('it runs on etcd with nothing beside it, and keeps what was compiled', async () => {
  stack = new AsyncDisposableStack();
  const dist = installed(stack);
  const etcd = await startEtcd();
  stack.defer(() => etcd.stop());
  const cache = join(dist, 'compiled');
  const started = await startControlPlane({
    dataDir: join(dist, 'data'),
    store: `etcd:${etcd.endpoint}`,
    flags: ['--scheduling-thread=own'],
    dist,
    env: { NODE_COMPILE_CACHE: cache },
  });
  stack.defer(() => end(started.child));
  // It was written before it led, so a crash does not lose it.
  expect(readdirSync(cache, { recursive: true }).length).toBeGreaterThan(2);
});

test('its lines and names are as they were written, so that a stack trace can be read', () => {
  const code = readFileSync(join(controlPlaneDist, 'bundle/gantry-control-plane.js'), 'utf8');
  expect(code).toMatch(/^async function startControlPlane\(/m);
});
