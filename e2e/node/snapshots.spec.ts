import { chmodSync, readdirSync } from 'node:fs';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { eventually } from '../cluster/process.ts';
import { main, PodBed, script } from './pod-bed.ts';

let bed: PodBed;
beforeAll(async () => {
  bed = await PodBed.start(['--runtime-handler', 'runc=/usr/sbin/runc']);
  // As /run is, so that a pod's root can reach the place where its root file system is put.
  chmodSync(bed.host.dir, 0o711);
  const kind = { apiVersion: 'node.k8s.io/v1', kind: 'RuntimeClass' };
  await bed.host.apply({ ...kind, metadata: { name: 'by-runc' }, handler: 'runc' });
});
afterAll(() => bed?.host.close());
afterEach(() => bed.clear());

async function annotation(): Promise<string> {
  const path = '{.metadata.annotations.gantry\\.dev/snapshotter}';
  return bed.host.must(['get', 'node', bed.host.nodeName, '-o', `jsonpath=${path}`]);
}

/** Starts the agent anew with another driver; pods that run stay as they are. */
async function restartWith(driver: string): Promise<void> {
  bed.host.killAgent();
  bed.host.startAgent(['--snapshotter', driver]);
  await bed.host.agentReady();
  await eventually('the node to tell its driver', async () => (await annotation()) === driver);
}

/** Removes the images, so that the next pod's is kept as the driver wants it. */
async function prune(): Promise<void> {
  const { code, stderr } = await bed.host.gantry(['image', 'prune']);
  expect([code, stderr]).toEqual([0, '']);
}

async function layerMounts(): Promise<string[]> {
  const { stdout } = await bed.host.inside(['cat', '/proc/self/mountinfo']);
  return stdout.split('\n').filter((line) => line.includes(bed.host.path('data/images/')));
}

// Ends when it is told to, and says how often it was started on the same root.
const countedRuns = script(
  'echo run >> /tmp/runs; wc -l < /tmp/runs; cat /www/index.html; ' +
    'echo changed > /www/index.html; until [ -e /tmp/end ]; do sleep 0.1; done',
);

describe.each(['overlay', 'copy', 'erofs'])('%s', (driver) => {
  beforeAll(async () => {
    await restartWith(driver);
    await prune();
  });

  test('a pod writes, is entered, starts afresh, and leaves nothing', async () => {
    await bed.run('own', { container: countedRuns });
    await bed.ready('own');
    expect(await bed.host.must(['logs', 'own'])).toBe('1\nhello from a pod\n');
    expect(await bed.inPod('own', 'cat /www/index.html; stat -c %u:%g:%a /tmp')).toBe(
      'changed\n0:0:1777\n',
    );
    await bed.inPod('own', 'touch /tmp/end');
    const again = await bed.host.podUntil('own', 'restarted', (pod) => {
      return main(pod).restartCount === 1 && main(pod).ready;
    });
    expect(await bed.host.must(['logs', 'own'])).toBe('1\nhello from a pod\n');
    const attempts = bed.host.path(`data/pods/${again.metadata.uid}/containers/main`);
    expect(readdirSync(attempts)).toEqual(['1']);
    await bed.host.must(['delete', 'pod', 'own', '--timeout=20s']);
    await eventually('nothing to be left', async () => (await bed.leftovers()).length === 0);
    expect(await layerMounts()).toHaveLength(driver === 'erofs' ? 1 : 0);
    await prune();
    expect(await layerMounts()).toEqual([]);
  });

  test('users of its own and another runtime get the same root', async () => {
    const text =
      'echo x > /own; chown 5:6 /own; stat -c %u:%g /own /bin/busybox; cat /www/index.html';
    const said = '5:6\n0:0\nhello from a pod\n';
    expect(await bed.outputOf('mapped', text, { spec: { hostUsers: false } })).toBe(said);
    expect(await bed.outputOf('foreign', text, { spec: { runtimeClassName: 'by-runc' } })).toBe(
      said,
    );
  });
});

test('a pod outlives a change of the driver, and is removed as any other', async () => {
  await restartWith('copy');
  await bed.run('steady', { container: script('echo mine > /tmp/mine; exec sleep 1000') });
  const before = await bed.ready('steady');
  await restartWith('overlay');
  expect(main(await bed.host.pod('steady')).containerID).toBe(main(before).containerID);
  expect(await bed.inPod('steady', 'cat /tmp/mine')).toBe('mine\n');
  await bed.host.must(['delete', 'pod', 'steady', '--timeout=20s']);
  await eventually('nothing to be left', async () => (await bed.leftovers()).length === 0);
});

test(
  'a copy answers for what its container writes, not for its image',
  { timeout: 60_000 },
  async () => {
    await restartWith('copy');
    // Less than the image.
    const resources = { limits: { 'ephemeral-storage': '512Ki' } };
    await bed.run('modest', { container: { ...script('exec sleep 1000'), resources } });
    await bed.ready('modest');
    const greedy = 'dd if=/dev/urandom of=/tmp/f bs=1024 count=2048; exec sleep 1000';
    await bed.run('greedy', { container: { ...script(greedy), resources } });
    const evicted = await bed.host.podUntil(
      'greedy',
      'evicted',
      (pod) => pod.status.phase === 'Failed',
    );
    expect(evicted.status).toMatchObject({ reason: 'Evicted' });
    // The same look at the disk has judged both.
    expect((await bed.host.pod('modest')).status.phase).toBe('Running');
  },
);
