import { mkdtemp, rm } from 'node:fs/promises';
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
    expect(stderr).toBe('error: unknown command sreve: one of serve, token, kubeconfig\n');
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
