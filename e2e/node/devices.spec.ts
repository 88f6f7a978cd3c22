import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { PodBed, script } from './pod-bed.ts';

const resource = 'gantry.example/noise';
const dir = mkdtempSync(join(tmpdir(), 'gantry-device-test-'));
/** Device files of our own, alike /dev/zero and /dev/full, under names that no other test has. */
const nodes = [5, 7].map((minor) => ({ minor, path: `/dev/gantry-noise-${process.pid}-${minor}` }));

let bed: PodBed;
beforeAll(async () => {
  for (const { path, minor } of nodes) execFileSync('mknod', [path, 'c', '1', String(minor)]);
  const file = join(dir, 'devices.json');
  const devices = [`/dev/gantry-noise-${process.pid}-*`];
  writeFileSync(file, JSON.stringify([{ resource, devices, env: 'NOISE' }]));
  bed = await PodBed.start([
    `--devices=${file}`,
    '--disk-bandwidth=read=100Mi,write-ops=1k',
    '--network-bandwidth=egress=1G',
  ]);
});
afterAll(async () => {
  await bed?.host.close();
  for (const { path } of nodes) rmSync(path, { force: true });
  rmSync(dir, { recursive: true });
});
afterEach(() => bed.clear());

const limits = (amounts: Record<string, string>) => ({ resources: { limits: amounts } });

test('a node offers its devices, its disk and its network as resources', async () => {
  const text = await bed.host.must(['get', 'node', 'one', '-o', 'jsonpath={.status.allocatable}']);
  expect(JSON.parse(text)).toMatchObject({
    [resource]: '2',
    [`${resource}-milli`]: '2000',
    'gantry.dev/disk-read-bytes': '104857600',
    'gantry.dev/disk-write-ops': '1000',
    'gantry.dev/network-egress-bits': '1000000000',
  });
});

/** Numbers of the container's devices, their files, whether they can be read, and its cgroup of the disk. */
const look = [
  'echo "has $NOISE"',
  'ls /dev | grep gantry-noise',
  'for each in /dev/gantry-noise-*; do head -c 3 $each 2>/dev/null | wc -c; done',
].join('; ');

const numbers = (name: string) =>
  bed.host.must(['get', 'pod', name, '-o', 'jsonpath={.metadata.annotations}']);

test('a container gets the device that the scheduler chose, may use it, and sees no other', async () => {
  await bed.run('holder', {
    container: { ...script('sleep 1000'), ...limits({ [resource]: '1' }) },
  });
  await bed.ready('holder');
  expect(await numbers('holder')).toContain(
    '"gantry.dev/devices":"{\\"gantry.example/noise\\":[0]}"',
  );
  const once = { restartPolicy: 'Never' };
  const container = { ...script(look), ...limits({ [`${resource}-milli`]: '300' }) };
  await bed.run('sharer', { container, spec: once });
  const [, second] = nodes;
  const name = second!.path.replace('/dev/', '');
  expect(await bed.output('sharer')).toBe(`has 1\n${name}\n3\n`);
  await bed.run('neither', { container: script(look), spec: once });
  expect(await bed.output('neither')).toMatch(/^has \n0\n$/);
});

test('what is promised of the disk is a limit of the cgroup', async () => {
  const asked = { 'gantry.dev/disk-read-bytes': '1Mi', 'gantry.dev/disk-write-ops': '50' };
  await bed.run('reader', { container: { ...script('sleep 1000'), ...limits(asked) } });
  const { metadata } = await bed.ready('reader');
  expect(blkio(metadata.uid)).toEqual({ read_bps_device: '1048576', write_iops_device: '50' });
  const more = { ...asked, 'gantry.dev/disk-read-bytes': '100Mi' };
  await bed.run('greedy', { container: { ...script('sleep 1000'), ...limits(more) } });
  await bed.host.podUntil('greedy', 'refused', ({ status }) =>
    JSON.stringify(status.conditions).includes('too little gantry.dev/disk-read-bytes'),
  );
});

/** The limits in the container's own cgroup, by file. */
function blkio(uid: string): Record<string, string> {
  const pod = join('/sys/fs/cgroup/blkio', bed.host.cgroup);
  const group = readdirSync(pod, { recursive: true, encoding: 'utf8' }).find(
    (path) =>
      path.includes(uid) &&
      existsSync(join(pod, path, limit('read_bps_device'))) &&
      readFileSync(join(pod, path, limit('read_bps_device')), 'utf8') !== '',
  );
  const of = (file: string) => readFileSync(join(pod, group ?? '', limit(file)), 'utf8').trim();
  const files = ['read_bps_device', 'write_iops_device'];
  return Object.fromEntries(files.map((file) => [file, of(file).split(' ')[1] ?? '']));
}

const limit = (file: string) => `blkio.throttle.${file}`;
