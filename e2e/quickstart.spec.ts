import { spawn, type ChildProcess } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { checkout } from './cluster/cluster.ts';
import { end, eventually, run } from './cluster/process.ts';

let holder: ChildProcess;
let state: string;

// Ports, bridge and routes of the quickstart stay in a network namespace of this test.
beforeAll(async () => {
  state = join(mkdtempSync('/var/tmp/gantry-quickstart-'), 'state');
  const script = 'ip link set lo up && exec sleep infinity';
  holder = spawn('unshare', ['-n', 'sh', '-c', script], { stdio: 'ignore' });
  await eventually('the namespace', async () => {
    const link = await run(inside(['ip', '-br', 'link', 'show', 'lo']));
    return /LOOPBACK,UP/.test(link.stdout);
  });
});

afterAll(async () => {
  await quickstart(['--down']);
  await end(holder, 100);
  rmSync(join(state, '..'), { recursive: true, force: true });
});

const inside = (argv: readonly string[]) => ['nsenter', '-n', '-t', String(holder.pid), ...argv];

function quickstart(args: readonly string[]) {
  const env = { ...process.env, GANTRY_QUICKSTART_STATE: state, NO_COLOR: '1' };
  const argv = inside([join(checkout, 'deploy/quickstart.sh'), ...args]);
  return run(argv, { env, timeoutMs: 280_000 });
}

test('serves a page from a manifest, does it again quickly, and leaves nothing behind', async () => {
  const mounts = readFileSync('/proc/self/mountinfo', 'utf8');
  const first = await quickstart([]);
  expect(first.stdout + first.stderr).toContain('<h1>Hello from Gantry</h1>');
  expect(first.code).toBe(0);

  const second = await quickstart([]);
  expect(second).toMatchObject({ code: 0 });
  expect(second.stdout).toContain('already runs');
  expect(second.stdout).toMatch(/unchanged/);

  const down = await quickstart(['--down']);
  expect(down).toMatchObject({ code: 0 });
  expect(existsSync(state)).toBe(false);
  expect(readFileSync('/proc/self/mountinfo', 'utf8')).toBe(mounts);
  const links = await run(inside(['ip', '-br', 'link']));
  expect(links.stdout.trim().split('\n')).toHaveLength(1);
  const processes = await run(['pgrep', '-f', state]);
  expect(processes.stdout).toBe('');
  const groups = await run([
    'sh',
    '-c',
    'ls -d /sys/fs/cgroup/*/gantry /sys/fs/cgroup/gantry 2>/dev/null',
  ]);
  expect(groups.stdout).toBe('');
});

test('says what is wrong before it changes anything', async () => {
  const server = "require('http').createServer((_, r) => r.end()).listen(5000, '127.0.0.1')";
  const [program = '', ...args] = inside([process.execPath, '-e', server]);
  const taken = spawn(program, args, { stdio: 'ignore' });
  try {
    await eventually(
      'the port to be taken',
      async () => (await run(inside(['curl', '-s', '127.0.0.1:5000']))).code === 0,
    );
    const refused = await quickstart([]);
    expect(refused.code).not.toBe(0);
    expect(refused.stderr).toMatch(/port 5000 is taken .*ss -ltnp/);
    expect(existsSync(state)).toBe(false);
  } finally {
    await end(taken);
  }
  const mistyped = await quickstart(['--dwon']);
  expect(mistyped.code).not.toBe(0);
  expect(mistyped.stderr).toContain('unknown option --dwon');
  const user = await run(['setpriv', '--reuid', '65534', join(checkout, 'deploy/quickstart.sh')]);
  expect(user.stderr).toMatch(/needs root/);
});
