import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { checkout } from '../cluster/cluster.ts';
import { startContainerd } from './containerd.ts';
import { startDocker } from './docker.ts';
import type { Engine } from './engine.ts';
import { startPodman } from './podman.ts';

const ours = join(checkout, 'native/target/release/gantry-runtime');
const theirs = '/usr/sbin/runc';
const mebibyte = 1024 * 1024;
const hungry = ['/bin/sh', '-c', 'x=a; while :; do x=$x$x; done'];

const engines: [string, () => Promise<Engine>][] = [
  ['podman', startPodman],
  ['containerd', startContainerd],
  ['docker', () => startDocker(ours)],
];

const mounts = (): string[] =>
  readFileSync('/proc/self/mounts', 'utf8')
    .split('\n')
    .filter((line) => line.includes('gantry-engine'));

/** The container's group in the pids hierarchy, as its first process sees it. */
async function groupOf(engine: Engine, runtime: string, name: string): Promise<string> {
  const { stdout } = await engine.exec(runtime, name, ['/bin/cat', '/proc/1/cgroup']);
  const [, path = ''] = /:pids:(\/.+)/.exec(stdout) ?? [];
  return join('/sys/fs/cgroup/pids', path);
}

// The same suite on the runtime that everybody knows: a case that fails there would prove nothing of ours.
describe.each(engines)('%s', (_name, start) => {
  let engine: Engine;

  beforeAll(async () => {
    engine = await start();
  });

  afterAll(async () => {
    await engine?.close();
    expect(mounts()).toEqual([]);
  });

  describe.each([
    ['runc', theirs],
    ['gantry-runtime', ours],
  ])('with %s', (label, runtime) => {
    test('the runtime is there', () => expect(existsSync(runtime)).toBe(true));

    test('runs a container to its end and hands on output and exit code', async () => {
      const command = ['/bin/sh', '-c', 'echo out; echo err >&2; exit 7'];
      const outcome = await engine.run(runtime, { name: `run-${label}`, command });
      expect(outcome).toMatchObject({ code: 7, stdout: 'out\n' });
      expect(outcome.stderr).toContain('err');
    });

    test('a container over its memory limit is killed', async () => {
      const limits = { memory: 32 * mebibyte };
      const outcome = await engine.run(runtime, {
        name: `oom-${label}`,
        command: hungry,
        ...limits,
      });
      expect(outcome.code).toBe(137);
    });

    test('executes in a running container, stops and removes it, and leaves no cgroup', async () => {
      const name = `long-${label}`;
      await engine.startDetached(runtime, { name, command: ['/bin/sleep', '1000'], pids: 64 });
      const hello = await engine.exec(runtime, name, ['/bin/sh', '-c', 'echo hello; exit 3']);
      expect(hello).toMatchObject({ code: 3, stdout: 'hello\n' });
      const first = await engine.exec(runtime, name, ['/bin/cat', '/proc/1/cmdline']);
      expect(first.stdout).toContain('sleep');
      const group = await groupOf(engine, runtime, name);
      expect(readFileSync(join(group, 'pids.current'), 'utf8').trim()).toMatch(/^[1-9]/);
      await engine.stopAndRemove(runtime, name);
      expect(existsSync(group)).toBe(false);
    });
  });
});
