import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { kill } from 'node:process';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { collectOutput } from './exec-session.js';
import { eventually, nativeDir, TestNode } from './node.fixture.js';
import type { ExitRecord } from './messages.js';
import type { Process } from './oci-spec.js';
import { RuntimeClient } from './runtime-client.js';
import { silentLogger } from '@gantry/base';

let node: TestNode;
let client: RuntimeClient;

beforeAll(async () => {
  node = await TestNode.create();
  client = await node.connect();
});
afterAll(() => node.remove());

function exitOf(id: string, from = client): Promise<ExitRecord> {
  return new Promise((resolve) => {
    const stop = from.onExit((exit) => {
      if (exit.containerId !== id) return;
      stop();
      resolve(exit);
    });
  });
}

const command = (...args: string[]): Process => ({
  args,
  cwd: '/',
  env: ['PATH=/usr/bin:/bin'],
  user: { uid: 0, gid: 0 },
});

test('a container is created, started, told of and deleted', async () => {
  const created = await node.create(client, 'life', 'echo hello; exit 3');
  expect(await client.state('life')).toMatchObject({ status: 'created', pid: created.pid });
  expect(await client.exitRecord('life')).toBeUndefined();
  const told = exitOf('life');
  await client.start('life');
  const exit = await told;
  expect(exit).toMatchObject({ containerId: 'life', exitCode: 3, oomKilled: false });
  expect(await client.exitRecord('life')).toEqual(exit);
  expect(await node.logEntries('life')).toEqual(['stdout F hello']);
  expect(await client.list()).toMatchObject([
    { containerId: 'life', running: false, annotations: { test: 'life' }, exit: { exitCode: 3 } },
  ]);
  await client.delete('life');
  await client.delete('life');
  expect(await client.list()).toEqual([]);
  expect(await client.state('life')).toBeUndefined();
});

test('kill ends it, is idempotent, and delete --force takes a running one', async () => {
  await node.create(client, 'stubborn', 'trap : TERM; while :; do sleep 1000 & wait; done');
  await client.start('stubborn');
  await client.kill('stubborn', 'SIGTERM');
  expect((await client.list())[0]).toMatchObject({ running: true });
  const told = exitOf('stubborn');
  await client.kill('stubborn', 9);
  expect(await told).toMatchObject({ exitCode: 137, signal: 9 });
  await client.kill('stubborn', 'SIGKILL');
  await client.kill('never-was', 'SIGTERM');
  await client.delete('stubborn');
  await node.create(client, 'running', 'exec sleep 1000');
  await client.start('running');
  const forced = exitOf('running');
  await client.delete('running', { force: true });
  expect(await forced).toMatchObject({ signal: 9 });
  expect(await client.list()).toEqual([]);
});

describe('exec', () => {
  beforeAll(async () => {
    await node.create(client, 'host', 'exec sleep 1000');
    await client.start('host');
  });
  afterAll(() => client.delete('host', { force: true }));

  test('carries input, both outputs and the exit code', async () => {
    const process = command('bash', '-c', 'cat; echo oops >&2; exit 7');
    const session = await client.exec('host', process, { stdin: true });
    session.stdin!.end('x'.repeat(200_000));
    const { exitCode, stdout, stderr } = await collectOutput(session);
    expect([exitCode, stdout.length, stderr]).toEqual([7, 200_000, 'oops\n']);
  });

  test('waits for its reader and loses nothing', async () => {
    const process = command('bash', '-c', 'head -c 5000000 /dev/zero | tr "\\0" y');
    const session = await client.exec('host', process);
    let bytes = 0;
    session.stderr.resume();
    for await (const chunk of session.stdout) {
      bytes += (chunk as Buffer).length;
      await new Promise(setImmediate);
    }
    expect([bytes, await session.exit]).toEqual([5_000_000, 0]);
  });

  test('has a terminal of the given size', async () => {
    const process = { ...command('bash', '-c', 'read; stty size'), terminal: true };
    const session = await client.exec('host', process, { stdin: true });
    session.resize({ width: 101, height: 37 });
    session.stdin!.write('\n');
    expect((await collectOutput(session)).stdout).toContain('37 101');
  });

  test('is killed when its signal aborts', async () => {
    const controller = new AbortController();
    const process = command('bash', '-c', 'echo $$; exec sleep 2000');
    const session = await client.exec('host', process, { signal: controller.signal });
    session.stderr.resume();
    const ended = collectOutput(session).catch((error: Error) => error.message);
    await new Promise((resolve) => session.stdout.once('data', resolve));
    controller.abort(new Error('enough'));
    expect(await ended).toContain('session of a container broke');
    await eventually('the process is gone', async () => {
      const found = await client.run(['/usr/bin/pgrep', '-f', '^sleep 2000$']);
      return found.exitCode === 1 ? true : undefined;
    });
  });

  test('says what cannot be executed and where', async () => {
    await expect(client.exec('host', command('/no/such'))).rejects.toThrow(/no such file/i);
    const missing = client.exec('nobody', command('true'));
    await expect(missing).rejects.toMatchObject({ reason: 'NotFound' });
  });
});

test('attach joins the streams of a container that outlives the client', async () => {
  const bundleDir = await node.bundle('joined', 'while read l; do echo got $l; done; exit 5');
  await client.createContainer({
    containerId: 'joined',
    bundleDir,
    cgroupsPath: node.cgroupsPath('joined'),
    logPath: node.logPath('joined'),
    stdin: true,
  });
  await client.start('joined');
  const leaver = await client.attach('joined', { stdin: true });
  leaver.close();
  const session = await client.attach('joined', { stdin: true });
  session.stdin!.end('one\n');
  expect(await collectOutput(session)).toEqual({ exitCode: 5, stdout: 'got one\n', stderr: '' });
  await client.delete('joined', { force: true });
});

test('containers and exits survive the client, the launcher and both', async () => {
  await node.create(client, 'lasting', 'exec sleep 1000');
  await client.start('lasting');
  const second = await node.connect();
  await node.shutDownLauncher();
  const found = await eventually('both are connected again', async () => {
    const lists = await Promise.allSettled([client.list(), second.list()]);
    return lists.every((list) => list.status === 'fulfilled') ? lists : undefined;
  });
  expect(found[0]).toMatchObject({ value: [{ containerId: 'lasting', running: true }] });
  const told = Promise.all([exitOf('lasting'), exitOf('lasting', second)]);
  await client.kill('lasting', 'SIGKILL');
  expect(await told).toMatchObject([{ exitCode: 137 }, { exitCode: 137 }]);
  const third = await node.connect();
  expect(await exitOf('lasting', third)).toMatchObject({ exitCode: 137 });
  await client.delete('lasting');
});

test('a killed launcher is replaced, and requests under way say so', async () => {
  const { stdout } = await client.run(['/bin/sh', '-c', 'echo $PPID']);
  const pidFile = join(node.dir, 'hanging.pid');
  const script = `echo $$ > ${pidFile}; exec sleep 1000`;
  const hanging = client.run(['/bin/sh', '-c', script], { timeoutMs: 60_000 });
  const lost = expect(hanging).rejects.toMatchObject({ reason: 'ServiceUnavailable' });
  // Answered after the run above has begun.
  await client.list();
  kill(Number(stdout), 'SIGKILL');
  await lost;
  const orphan = await eventually(
    'the orphan',
    async () => Number(await readFile(pidFile, 'utf8').catch(() => '')) || undefined,
  );
  kill(orphan, 'SIGKILL');
  expect((await client.run(['/bin/echo', 'back'])).stdout).toBe('back\n');
});

test('run reports exit codes, output and time limits', async () => {
  const script = 'cat; echo $NAME; echo err >&2; exit 9';
  const options = { env: { NAME: 'value' }, stdin: 'in ' };
  expect(await client.run(['/bin/sh', '-c', script], options)).toEqual({
    exitCode: 9,
    stdout: 'in value\n',
    stderr: 'err\n',
    truncated: false,
  });
  const late = client.run(['/bin/sleep', '1000'], { timeoutMs: 50 });
  await expect(late).rejects.toMatchObject({ reason: 'Timeout' });
  await expect(client.run(['sh'])).rejects.toMatchObject({ reason: 'BadRequest' });
  const huge = client.run(['/bin/cat'], { stdin: 'x'.repeat(2_000_000) });
  await expect(huge).rejects.toMatchObject({ reason: 'BadRequest' });
});

test('ids and signals that look like flags are refused', async () => {
  await expect(client.start('--help')).rejects.toMatchObject({ reason: 'BadRequest' });
  const odd = '--all' as NodeJS.Signals;
  await expect(client.kill('x', odd)).rejects.toMatchObject({ reason: 'BadRequest' });
});

test('what cannot be created says why and leaves nothing', async () => {
  const missing = client.createContainer({
    containerId: 'missing',
    bundleDir: '/no/such/bundle',
    cgroupsPath: node.cgroupsPath('missing'),
    logPath: node.logPath('missing'),
  });
  await expect(missing).rejects.toThrow(/runtime create: .*\/no\/such\/bundle/);
  expect(await client.list()).toEqual([]);
});

test('statistics come from the container’s cgroup', async () => {
  const script = 'x=$(head -c 20000000 /dev/zero | tr "\\0" x); while :; do :; done';
  await node.create(client, 'busy', script, (spec) => {
    const { resources } = spec.linux;
    spec.linux.resources = { ...resources, cpu: { quota: 10_000, period: 100_000 } };
  });
  await client.start('busy');
  const stats = await eventually('it is throttled', async () => {
    const found = await client.cgroupStats(node.cgroupsPath('busy'));
    return found && found.throttledNanos > 0 && found.memoryUsageBytes > 15e6 ? found : undefined;
  });
  expect(stats.cpuUsageNanos).toBeGreaterThan(10e6);
  expect(stats.memoryWorkingSetBytes).toBeLessThanOrEqual(stats.memoryUsageBytes);
  expect(stats.pids).toBeGreaterThan(0);
  expect(stats.oomKills).toBe(0);
  await client.delete('busy', { force: true });
  expect(await client.cgroupStats(node.cgroupsPath('busy'))).toBeUndefined();
});

test('a launcher that cannot be started is a clear error', async () => {
  const options = { nativeDir: '/no/such/dir', runDir: `${node.dir}/other`, logger: silentLogger };
  await expect(RuntimeClient.connect(options)).rejects.toThrow(
    /start gantry-monitor.*no\/such\/dir/,
  );
  const unwritable = { nativeDir, runDir: '/dev/null/gantry', logger: silentLogger };
  await expect(RuntimeClient.connect(unwritable)).rejects.toThrow('/dev/null/gantry');
});
