import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { run } from '../program.js';
import { RecordedTerminal } from '../testing/recorded-terminal.js';

let directory: string;
const config = JSON.stringify({
  apiVersion: 'v1',
  kind: 'Config',
  'current-context': 'a',
  contexts: [{ name: 'a', context: { cluster: 'a', user: 'a' } }],
  clusters: [{ name: 'a', cluster: { server: 'http://127.0.0.1:1' } }],
  users: [{ name: 'a', user: { token: 'x' } }],
});

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'gantry-run-'));
  await writeFile(join(directory, 'config'), config);
});
afterAll(() => rm(directory, { recursive: true, force: true }));

test.each([
  ['flags after the name', ['quick', '--image', 'web', '--node', 'b'], 1, 'cannot reach'],
  ['flags before it', ['--image', 'web', 'quick', '--', 'sleep', '-x'], 1, 'cannot reach'],
  ['no image', ['quick', '--', 'sleep', '5'], 2, '--image: say which image to run'],
  ['a policy', ['quick', '--image', 'web', '--restart', 'Often'], 2, '--restart: "Often"'],
  ['a variable', ['quick', '--image', 'web', '-e', 'A'], 2, '--env: "A" must be NAME=VALUE'],
])('takes %s', async (_, words, code, said) => {
  const terminal = new RecordedTerminal();
  const env = { KUBECONFIG: join(directory, 'config') };
  const { signal } = new AbortController();
  expect(await run(['run', ...words], { terminal, env, signal })).toBe(code);
  expect(terminal.stderr).toContain(said);
});
