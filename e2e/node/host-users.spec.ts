import { chmodSync, readFileSync } from 'node:fs';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { eventually } from '../cluster/process.ts';
import { PodBed, script } from './pod-bed.ts';
import type { PodView } from './single-host.ts';

let bed: PodBed;
beforeAll(async () => {
  bed = await PodBed.start();
  // As /run is, so that a pod's root can reach the place where its root file system is put.
  chmodSync(bed.host.dir, 0o711);
});
afterAll(() => bed?.host.close());
afterEach(() => bed.clear());

const userns = { hostUsers: false };
const forever = script('sleep 1000');

/** First id of the host that is the pod's own, from the record on disk. */
async function rangeOf(name: string): Promise<number> {
  const { metadata } = await bed.host.pod(name);
  const record = readFileSync(bed.host.path(`data/pods/${metadata.uid}/record.json`), 'utf8');
  return (JSON.parse(record) as { userRange: { first: number } }).userRange.first;
}

/** Real uid of the first process on the host whose command line has the word. */
async function hostUid(word: string): Promise<string> {
  const found = await bed.host.inside(['sh', '-c', `pgrep -f '${word}' | head -1`]);
  const status = await bed.host.inside(['cat', `/proc/${found.stdout.trim()}/status`]);
  return /^Uid:\s+(\d+)/m.exec(status.stdout)![1]!;
}

test('root in a pod is nobody outside, and its files are its own inside', async () => {
  await bed.host.inside([
    'sh',
    '-c',
    `mkdir -p ${bed.host.path('shared')}; echo host > ${bed.host.path('shared/file')}`,
  ]);
  await bed.host.apply({
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: { name: 'settings' },
    data: { color: 'blue' },
  });
  await bed.host.apply({
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: { name: 'keys' },
    stringData: { password: 'sesame' },
  });
  const mount = (name: string) => ({ name, mountPath: `/${name}` });
  await bed.run('mapped', {
    container: {
      ...script('sleep 4242'),
      volumeMounts: ['data', 'memory', 'settings', 'keys', 'shared'].map(mount),
    },
    spec: {
      ...userns,
      volumes: [
        { name: 'data', emptyDir: {} },
        { name: 'memory', emptyDir: { medium: 'Memory' } },
        { name: 'settings', configMap: { name: 'settings' } },
        { name: 'keys', secret: { secretName: 'keys', defaultMode: 0o400 } },
        { name: 'shared', hostPath: { path: bed.host.path('shared') } },
      ],
    },
  });
  await bed.ready('mapped');
  const first = await rangeOf('mapped');
  expect(await hostUid('sleep 4242')).toBe(String(first));
  const inPod = (text: string) => bed.inPod('mapped', text);
  expect(await inPod('id -u; cat /proc/self/uid_map')).toMatch(
    new RegExp(`^0\\n\\s+0\\s+${first}\\s+65536\\n$`),
  );
  const own = await inPod(
    'for d in /data /memory /tmp; do echo x > $d/f; chown 1000:1000 $d/f; stat -c %u:%g $d/f; done',
  );
  expect(own).toBe('1000:1000\n1000:1000\n1000:1000\n');
  expect(await inPod('cat /settings/color /keys/password; stat -Lc %u:%a /keys/password')).toBe(
    'bluesesame0:400\n',
  );
  expect(await inPod('echo more >> /etc/hosts && echo written')).toBe('written\n');
  // The host's own files belong to nobody in there, and are out of its root's reach.
  expect(await inPod('cat /shared/file; stat -c %u /shared/file')).toBe('host\n65534\n');
  expect(await inPod('{ echo x > /shared/file; } 2>/dev/null || echo refused')).toBe('refused\n');
  expect(await inPod('{ touch /shared/new; } 2>/dev/null || echo refused')).toBe('refused\n');
});

test('containers of a pod share its user namespace and its network, whose sysctls it may set', async () => {
  const side = { name: 'side', image: bed.host.image, ...forever };
  const main = { name: 'main', image: bed.host.image };
  const sysctls = [{ name: 'net.ipv4.ip_unprivileged_port_start', value: '80' }];
  await bed.run('pair', {
    spec: { ...userns, containers: [main, side], securityContext: { sysctls } },
  });
  const pod = await bed.ready('pair');
  const namespaces = 'for n in user net ipc; do readlink /proc/self/ns/$n; done';
  const main1 = await bed.inPod('pair', namespaces);
  expect(main1).toMatch(/^user:.*\nnet:.*\nipc:/);
  expect(await bed.inPod('pair', namespaces, 'side')).toBe(main1);
  const read = 'cat /proc/sys/net/ipv4/ip_unprivileged_port_start';
  expect(await bed.inPod('pair', read, 'side')).toBe('80\n');
  const page = await bed.host.inside(['curl', '-fsm', '5', `http://${pod.status.podIP}:8080/`]);
  expect(page.stdout).toBe('hello from a pod\n');
});

test('two pods never have an id in common, also after the agent was killed', async () => {
  await bed.run('one', { container: forever, spec: userns });
  await bed.ready('one');
  bed.host.killAgent();
  bed.host.startAgent();
  await bed.host.agentReady();
  await bed.run('two', { container: forever, spec: userns });
  await bed.ready('two');
  const [one, two] = [await rangeOf('one'), await rangeOf('two')];
  expect(Math.abs(one - two)).toBeGreaterThanOrEqual(65_536);
  await bed.host.must(['delete', 'pod', 'one', 'two', '--timeout=20s']);
  await eventually('nothing to be left', async () => (await bed.leftovers()).length === 0);
});

test('an id that the pod does not have is refused', async () => {
  await bed.run('beyond', { container: { securityContext: { runAsUser: 70_000 } }, spec: userns });
  const shown = (text: string) => text.includes('70000 is beyond 65535');
  await bed.host.podUntil('beyond', 'refused', (pod) =>
    shown(pod.status.containerStatuses?.[0]?.state.waiting?.message ?? ''),
  );
});

test('containers of a pod share /dev/shm, and nobody else sees it', async () => {
  const side = { name: 'side', image: bed.host.image, ...forever };
  const main = { name: 'main', image: bed.host.image, ...forever };
  await bed.run('shm', { spec: { containers: [main, side] } });
  await bed.run('apart', { container: forever });
  await bed.ready('shm');
  await bed.ready('apart');
  await bed.inPod('shm', 'echo common > /dev/shm/word');
  expect(await bed.inPod('shm', 'cat /dev/shm/word', 'side')).toBe('common\n');
  expect(await bed.inPod('apart', 'ls /dev/shm')).toBe('');
});

test.each([[{}], [userns]])('containers share processes when the pod says so: %j', async (spec) => {
  const side = { name: 'side', image: bed.host.image, ...script('sleep 7777') };
  const main = { name: 'main', image: bed.host.image, ...script('sleep 8888 & sleep 4; exit 3') };
  await bed.run('family', {
    spec: { ...spec, shareProcessNamespace: true, containers: [main, side] },
  });
  await bed.ready('family');
  const list = 'for p in /proc/[0-9]*; do tr "\\0" " " < $p/cmdline; echo; done';
  expect(await bed.inPod('family', list, 'side')).toMatch(/sleep 8888/);
  expect(await bed.inPod('family', 'cat /proc/1/comm', 'side')).toBe('gantry-pause\n');
  const restarted = (pod: PodView) =>
    pod.status.containerStatuses?.some(({ restartCount }) => restartCount > 0) ?? false;
  await bed.host.podUntil('family', 'restarted', restarted);
  // What a container left in the background ended with it.
  const count = `${list} | grep -c "^sleep 8888"`;
  await eventually('one of each', async () => (await bed.inPod('family', count, 'side')) === '1\n');
  await bed.host.must(['delete', 'pod', 'family', '--timeout=20s']);
  await eventually('nothing to be left', async () => (await bed.leftovers()).length === 0);
  expect((await bed.host.inside(['pgrep', '-f', 'sleep (7|8){4}'])).stdout).toBe('');
  expect((await bed.host.inside(['pgrep', 'gantry-pause'])).stdout).toBe('');
});
