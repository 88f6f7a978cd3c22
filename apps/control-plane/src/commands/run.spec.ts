import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { testConfig } from '../config.js';
import { startControlPlane } from '../control-plane.js';
import { run } from './run.js';

let directory: string;
let stdout: string;
let stderr: string;

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'gantry-commands-'));
  stdout = '';
  stderr = '';
  vi.spyOn(process.stdout, 'write').mockImplementation((text) => {
    stdout += String(text);
    return true;
  });
  vi.spyOn(process.stderr, 'write').mockImplementation((text) => {
    stderr += String(text);
    return true;
  });
});

afterEach(async () => {
  vi.restoreAllMocks();
  await rm(directory, { recursive: true, force: true });
});

describe('gantry-control-plane', () => {
  it('explains itself', async () => {
    expect(await run(['--help'], {})).toBe(0);
    expect(stdout).toContain('usage: gantry-control-plane');
    expect(stdout).toContain('--node-grace-seconds N');
  });

  it('refuses commands and flags that it does not know, before it does anything', async () => {
    expect(await run(['sreve'], {})).toBe(2);
    expect(stderr).toBe('error: unknown command sreve: one of serve, token, kubeconfig, replay\n');
    expect(await run(['serve', '--nonsense=1', '--api-port=x'], {})).toBe(2);
    expect(stderr).toContain('--nonsense is unknown\n--api-port x: give a whole number');
    expect(await run(['token', 'craete'], {})).toBe(2);
    expect(await run(['token', 'create', '--uses=0'], {})).toBe(2);
    expect(stderr).toContain('--uses 0: give a whole number from 1');
  });

  it('says what is missing where no control plane has been', async () => {
    for (const command of [['token', 'create'], ['kubeconfig']]) {
      expect(await run([...command, '--data-dir', directory], {})).toBe(2);
      expect(stderr).toContain('start the control plane first, or name its --data-dir');
    }
  });

  it('replays a decision log, and says what is wrong with one', async () => {
    const file = join(directory, 'decisions.ndjson');
    expect(await run(['replay'], {})).toBe(2);
    expect(stderr).toContain('name the file');
    expect(await run(['replay', file], {})).toBe(2);
    expect(stderr).toContain('no such file');
    const start = { op: 'start', version: 1, profile: 'bin-pack', at: '2026-11-21T11:00:00Z' };
    const pod = { metadata: {}, spec: { containers: [] } };
    const log = [start, { op: 'class', id: 0, pod }, { op: 'decide', class: 0, node: null }];
    const write = (lines: readonly unknown[]) =>
      writeFile(file, lines.map((line) => `${JSON.stringify(line)}\n`).join(''));
    await write(log);
    expect(await run(['replay', file], {})).toBe(0);
    expect(stdout).toBe('1 decision in 3 lines: all came out the same\n');
    await write([...log, { op: 'decide', class: 0, node: 'a' }]);
    expect(await run(['replay', file], {})).toBe(1);
    expect(stderr).toContain('line 4: decided no node, recorded was node a, for a pod');
    await writeFile(file, `${JSON.stringify(start)}\n{broken`);
    expect(await run(['replay', file], {})).toBe(2);
    expect(stderr).toContain('line 2 is not JSON');
  });

  it('says why it cannot start', async () => {
    const store = `embedded:${join(directory, 'missing/store.db')}`;
    const argv = ['serve', '--data-dir', directory, '--store', store, '--log-level=silent'];
    expect(await run(argv, {})).toBe(1);
    expect(stderr).toContain(`error: open store ${directory}/missing/store.db`);
  });

  it('creates join tokens and prints kubeconfigs beside a running control plane', async () => {
    const plane = await startControlPlane(testConfig(directory));
    try {
      expect(await run(['token', 'create', '--data-dir', directory, '--uses', '2'], {})).toBe(0);
      expect(stdout).toMatch(/^--token join-[a-z0-9]+\.[\w-]{32} --ca-hash sha256:[0-9a-f]{64}\n$/);
      expect(stdout).toContain(plane.pki.caHash);
      stdout = '';
      const server = 'https://api.example.org:6443';
      const argv = ['kubeconfig', '--data-dir', directory, '--server', server];
      expect(await run(argv, {})).toBe(0);
      expect(JSON.parse(stdout).clusters[0].cluster.server).toBe(server);
    } finally {
      await plane.close();
    }
  });
});
