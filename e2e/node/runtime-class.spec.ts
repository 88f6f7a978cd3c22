import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { eventually } from '../cluster/process.ts';
import { main, PodBed, script } from './pod-bed.ts';

// crun refuses a hybrid host unless the unified hierarchy is out of its sight.
const crunWrapper = `#!/bin/sh
if [ -d /sys/fs/cgroup/unified ]; then
  exec unshare -m --propagation private sh -c \\
    'mount -t tmpfs none /sys/fs/cgroup/unified; exec crun "$@"' crun "$@"
fi
exec crun "$@"
`;

const dir = mkdtempSync('/var/tmp/gantry-handlers-');
let bed: PodBed;

beforeAll(async () => {
  const crun = join(dir, 'crun');
  writeFileSync(crun, crunWrapper, { mode: 0o755 });
  bed = await PodBed.start(['--runtime-handler', `runc=/usr/sbin/runc,crun=${crun}`]);
  for (const handler of ['runc', 'crun', 'kata', 'gantry']) {
    await bed.host.apply({
      apiVersion: 'node.k8s.io/v1',
      kind: 'RuntimeClass',
      metadata: { name: `by-${handler}` },
      handler,
      overhead: handler === 'runc' ? { podFixed: { cpu: '50m' } } : undefined,
    });
  }
});
afterAll(async () => {
  await bed?.host.close();
  rmSync(dir, { recursive: true });
});
afterEach(() => bed.clear());

/** Containers whose state the runtime keeps. */
function known(handler: string): string[] {
  return readdirSync(bed.host.path(`run/runtimes/${handler}`));
}

test.each(['runc', 'crun'])('%s runs, limits, serves exec and logs, and is rid of', async (by) => {
  const resources = { limits: { memory: '32Mi', cpu: '500m' } };
  const text = 'echo written > /tmp/mine; echo started; echo wrong >&2; exec sleep 1000';
  await bed.run('foreign', {
    container: { ...script(text), resources, securityContext: { runAsUser: 1000 } },
    spec: { runtimeClassName: `by-${by}`, terminationGracePeriodSeconds: 0 },
  });
  const pod = await bed.ready('foreign');
  expect(known(by)).toEqual([main(pod).containerID?.split('//')[1]]);
  expect(await bed.host.must(['logs', 'foreign'])).toBe('started\nwrong\n');
  expect(
    await bed.inPod('foreign', 'cat /tmp/mine /www/index.html; id -u; wc -l </proc/1/cgroup'),
  ).toMatch(/^written\nhello from a pod\n1000\n/);
  const exec = await bed.host.kubectl(
    ['exec', '-i', 'foreign', '--', 'sh', '-c', 'cat; exit 7'],
    'in',
  );
  expect([exec.stdout, exec.code]).toEqual(['in', 7]);
  const greedy = await bed.inPod(
    'foreign',
    'x=0123456789; while true; do x=$x$x; done; echo lived',
  );
  expect(greedy).toBe('');
  await bed.host.must(['delete', 'pod', 'foreign', '--timeout=20s']);
  await eventually('nothing to be left', async () => (await bed.leftovers()).length === 0);
  expect(known(by)).toEqual([]);
});

test('a pod of another runtime lives on when its agent is killed, and ends as any other', async () => {
  const spec = { runtimeClassName: 'by-runc', restartPolicy: 'Never' };
  await bed.run('steady', { container: script('sleep 1000'), spec });
  const before = await bed.ready('steady');
  bed.host.killAgent();
  bed.host.startAgent();
  await bed.host.agentReady();
  expect(main(await bed.host.pod('steady')).containerID).toBe(main(before).containerID);
  expect(await bed.inPod('steady', 'echo here')).toBe('here\n');
  await bed.host.must(['delete', 'pod', 'steady', '--timeout=20s']);
  await eventually('nothing to be left', async () => (await bed.leftovers()).length === 0);
});

test('the class adds its overhead; kubectl shows it; ours goes by its name too', async () => {
  expect(await bed.outputOf('own', 'echo ours', { spec: { runtimeClassName: 'by-gantry' } })).toBe(
    'ours\n',
  );
  await bed.run('costly', { container: script('exit'), spec: { runtimeClassName: 'by-runc' } });
  const get = ['get', 'pod', 'costly', '-o', 'jsonpath={.spec.overhead.cpu}'];
  expect(await bed.host.must(get)).toBe('50m');
  expect(await bed.host.must(['get', 'runtimeclass', 'by-runc'])).toMatch(
    /HANDLER.*\nby-runc +runc/,
  );
});

test('what is not there is refused with what to do', async () => {
  const absent = bed.run('absent', { spec: { runtimeClassName: 'none' } });
  await expect(absent).rejects.toThrow('RuntimeClass "none" not found; create it');
  await bed.run('lacking', { spec: { runtimeClassName: 'by-kata' } });
  await eventually('the event that says so', async () => {
    const events = await bed.host.must(['get', 'events', '-o', 'jsonpath={.items[*].message}']);
    return events.includes('--runtime-handler kata=FILE');
  });
});

test('a command that the other runtime cannot run is told like any other', async () => {
  const spec = { runtimeClassName: 'by-runc', restartPolicy: 'Never' };
  await bed.run('wrong', { container: { command: ['/nothing'] }, spec });
  const pod = await bed.host.podUntil('wrong', 'failed', (p) => p.status.phase === 'Failed');
  expect(main(pod).state.terminated).toMatchObject({ exitCode: 128, reason: 'StartError' });
  expect(main(pod).state.terminated?.message).toContain('/nothing');
  expect(known('runc')).toEqual([]);
});
