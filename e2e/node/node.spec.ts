import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { eventually } from '../cluster/process.ts';
import { main, PodBed, script, type PodOptions } from './pod-bed.ts';
import type { PodView, SingleHost } from './single-host.ts';

let bed: PodBed;
let host: SingleHost;

beforeAll(async () => {
  bed = await PodBed.start();
  host = bed.host;
});

afterAll(async () => {
  await host?.close();
});

afterEach(() => bed.clear());

const podTraces = () => bed.traces();
const run = (name: string, options: PodOptions) => bed.run(name, options);
const ready = (name: string) => bed.ready(name);

describe('a pod', () => {
  test('runs, serves, is ready when its probe says so, and leaves nothing behind', async () => {
    const readinessProbe = { httpGet: { port: 8080, path: '/' }, periodSeconds: 1 };
    await run('web', { container: { readinessProbe } });
    const pod = await ready('web');
    const page = await host.inside(['curl', '-fs', `http://${pod.status.podIP}:8080/`]);
    expect(page.stdout).toBe('hello from a pod\n');
    expect(podTraces().length).toBeGreaterThan(2);
    await host.must(['delete', 'pod', 'web', '--timeout=20s']);
    await eventually('every trace to be gone', async () => podTraces().length === 0);
    const mounts = await host.inside(['cat', '/proc/self/mountinfo']);
    expect(mounts.stdout).not.toContain(pod.metadata.uid);
    const links = await host.inside(['ip', '-o', 'link', 'show', 'type', 'veth']);
    expect(links.stdout.trim()).toBe('');
  });

  test('that fails its liveness probe is restarted', async () => {
    const livenessProbe = {
      exec: { command: ['stat', '/tmp/alive'] },
      periodSeconds: 1,
      failureThreshold: 1,
      initialDelaySeconds: 1,
    };
    await run('ill', {
      container: {
        livenessProbe,
        ...script('touch /tmp/alive; sleep 3; rm /tmp/alive; sleep 1000'),
      },
    });
    const pod = await host.podUntil('ill', 'restarted', (p) => main(p).restartCount === 1);
    expect(main(pod).lastState.terminated).toMatchObject({
      exitCode: 137,
      reason: 'Error',
      message: expect.stringContaining('ended by SIGKILL: Container main failed liveness probe'),
    });
    const events = await host.must(['get', 'events', '-o', 'jsonpath={.items[*].message}']);
    expect(events).toContain('Container main failed liveness probe, will be restarted');
  });

  test('that crashes waits longer each time, and its last run can be read', async () => {
    await run('crash', {
      container: script('echo attempt; echo why > /dev/termination-log; exit 7'),
    });
    const waits = (p: PodView) =>
      main(p).state.waiting?.reason === 'CrashLoopBackOff' && main(p).restartCount >= 2;
    const pod = await host.podUntil('crash', 'in its back-off', waits);
    const { terminated } = main(pod).lastState;
    expect(terminated).toMatchObject({ exitCode: 7, reason: 'Error', message: 'why\n' });
    expect(await host.must(['logs', 'crash', '--previous'])).toBe('attempt\n');
  });

  test('over its memory limit is killed alone', async () => {
    await run('calm', { container: script('sleep 1000') });
    await ready('calm');
    const greedy = script('x=0123456789; while true; do x=$x$x; done');
    const resources = { limits: { memory: '24Mi' } };
    await run('greedy', { container: { ...greedy, resources }, spec: { restartPolicy: 'Never' } });
    const pod = await host.podUntil('greedy', 'failed', (p) => p.status.phase === 'Failed');
    const sentence = /killed by the kernel: 24 MiB limit reached, peak 2[34][.\d]* MiB/;
    expect(main(pod).state.terminated).toMatchObject({
      exitCode: 137,
      reason: 'OOMKilled',
      message: expect.stringMatching(sentence),
    });
    expect(await host.must(['describe', 'pod', 'greedy'])).toMatch(sentence);
    expect((await host.gantry(['why', 'greedy'])).stdout).toMatch(sentence);
    expect(main(await host.pod('calm'))).toMatchObject({ ready: true, restartCount: 0 });
  });

  test('runs its init containers in order before all else, then ends as Succeeded', async () => {
    const volumeMounts = [{ name: 'shared', mountPath: '/shared' }];
    const step = (name: string, text: string) => ({
      name,
      image: host.image,
      volumeMounts,
      ...script(text),
    });
    await run('steps', {
      container: { volumeMounts, ...script('cat /shared/order') },
      spec: {
        restartPolicy: 'Never',
        volumes: [{ name: 'shared', emptyDir: {} }],
        initContainers: [
          step('first', 'sleep 0.3; echo first >> /shared/order'),
          step('second', 'echo second >> /shared/order'),
        ],
      },
    });
    await host.podUntil('steps', 'succeeded', (p) => p.status.phase === 'Succeeded');
    expect(await host.must(['logs', 'steps'])).toBe('first\nsecond\n');
  });

  test('gets its hooks and its grace', async () => {
    const handler = (text: string) => ({ exec: { command: ['sh', '-c', text] } });
    const log = '>> /log/hooks';
    await run('hooked', {
      container: {
        ...script(`trap "echo term ${log}; exit 0" TERM; while true; do sleep 0.1; done`),
        lifecycle: { postStart: handler(`echo post ${log}`), preStop: handler(`echo pre ${log}`) },
        volumeMounts: [{ name: 'log', mountPath: '/log' }],
      },
      spec: {
        terminationGracePeriodSeconds: 10,
        volumes: [
          { name: 'log', hostPath: { path: host.path('hooks'), type: 'DirectoryOrCreate' } },
        ],
      },
    });
    await ready('hooked');
    await host.must(['delete', 'pod', 'hooked', '--timeout=20s']);
    const hooks = await host.inside(['cat', host.path('hooks/hooks')]);
    expect(hooks.stdout).toBe('post\npre\nterm\n');
  });

  test('ends when its active deadline passes', async () => {
    await run('late', { container: script('sleep 1000'), spec: { activeDeadlineSeconds: 1 } });
    const pod = await host.podUntil('late', 'failed', (p) => p.status.phase === 'Failed');
    expect(pod.status.reason).toBe('DeadlineExceeded');
  });

  test.each<[string, PodOptions, string, string]>([
    [
      'a command that is not there',
      { container: { command: ['/nothing'] } },
      'StartError',
      '/nothing',
    ],
    [
      'root where root is refused',
      { container: { securityContext: { runAsNonRoot: true } } },
      'CreateContainerConfigError',
      'runAsNonRoot',
    ],
    [
      'a variable from a ConfigMap that is not there',
      { container: { envFrom: [{ configMapRef: { name: 'absent' } }] } },
      'CreateContainerConfigError',
      'configmap "absent" not found',
    ],
  ])('says what is wrong with %s', async (_, options, reason, message) => {
    await run('wrong', options);
    const shown = (p: PodView) => {
      const { state, lastState } = main(p);
      return [state.waiting, state.terminated, lastState.terminated].find(
        (s) => s?.reason === reason,
      );
    };
    const pod = await host.podUntil('wrong', reason, (p) => shown(p) !== undefined);
    expect(shown(pod)?.message).toContain(message);
  });

  test('waits for an image that is not there, and says so', async () => {
    await run('imageless', { container: { image: host.image.replace('busybox:1', 'absent:1') } });
    const backOff = (p: PodView) => main(p).state.waiting?.reason === 'ImagePullBackOff';
    const pod = await host.podUntil('imageless', 'backing off', backOff);
    expect(main(pod).state.waiting?.message).toContain('absent:1 is not there');
  });
});

describe('volumes', () => {
  test('show ConfigMaps and Secrets, follow their changes, and are bounded in memory', async () => {
    const configMap = (color: string) => ({
      apiVersion: 'v1',
      kind: 'ConfigMap',
      metadata: { name: 'settings' },
      data: { color },
    });
    await host.apply(configMap('blue'));
    await host.apply({
      apiVersion: 'v1',
      kind: 'Secret',
      metadata: { name: 'keys' },
      stringData: { password: 'sesame' },
    });
    await run('volumes', {
      container: {
        ...script('sleep 1000'),
        securityContext: { runAsUser: 1000, readOnlyRootFilesystem: true },
        env: [
          { name: 'COLOR', valueFrom: { configMapKeyRef: { name: 'settings', key: 'color' } } },
          { name: 'SENTENCE', value: 'it is $(COLOR)' },
        ],
        volumeMounts: [
          { name: 'settings', mountPath: '/settings' },
          { name: 'settings', mountPath: '/one/color', subPath: 'color' },
          { name: 'keys', mountPath: '/keys' },
          { name: 'memory', mountPath: '/memory' },
        ],
      },
      spec: {
        securityContext: { fsGroup: 3000 },
        volumes: [
          { name: 'settings', configMap: { name: 'settings' } },
          { name: 'keys', secret: { secretName: 'keys', defaultMode: 0o400 } },
          { name: 'memory', emptyDir: { medium: 'Memory', sizeLimit: '1Mi' } },
        ],
      },
    });
    await ready('volumes');
    const inPod = async (text: string) =>
      (await host.kubectl(['exec', 'volumes', '--', 'sh', '-c', text])).stdout;
    expect(await inPod('cat /settings/color /one/color /keys/password; echo $SENTENCE')).toBe(
      'bluebluesesameit is blue\n',
    );
    const fill = 'dd if=/dev/zero of=/memory/full bs=1024 count=2000 2>/dev/null || echo full';
    expect(await inPod(fill)).toBe('full\n');
    expect(await inPod('touch /anywhere 2>/dev/null || echo read-only')).toBe('read-only\n');
    await host.apply(configMap('red'));
    await eventually(
      'the change to show',
      async () => (await inPod('cat /settings/color')) === 'red',
    );
    expect(await inPod('cat /one/color')).toBe('blue');
  });
});

test('a pod that fills its disk volume over the limit is evicted', async () => {
  const fill = 'dd if=/dev/zero of=/data/full bs=1024 count=3000; sleep 1000';
  await run('full', {
    container: { ...script(fill), volumeMounts: [{ name: 'data', mountPath: '/data' }] },
    spec: { volumes: [{ name: 'data', emptyDir: { sizeLimit: '1Mi' } }] },
  });
  const pod = await host.podUntil('full', 'evicted', (p) => p.status.phase === 'Failed');
  expect(pod.status.reason).toBe('Evicted');
  expect(pod.status.message).toContain('EmptyDir volume "data" exceeds the limit "1Mi"');
});

test('pods that write past their disk limits are evicted, others are not', async () => {
  const limits = (text: string) => ({ resources: { limits: { 'ephemeral-storage': text } } });
  const write = (where: string, kib: number) =>
    script(`dd if=/dev/zero of=${where} bs=1024 count=${kib}; sleep 1000`);
  const volumes = [{ name: 'data', emptyDir: {} }];
  const volumeMounts = [{ name: 'data', mountPath: '/data' }];
  await run('layer', { container: { ...write('/full', 3000), ...limits('1Mi') } });
  await run('talks', {
    container: { ...script('yes gantry | head -c 3000000; sleep 1000'), ...limits('1Mi') },
  });
  const filler = { ...write('/data/full', 3000), ...limits('2Mi'), volumeMounts };
  await run('volume', { container: filler, spec: { volumes } });
  await run('modest', { container: { ...write('/some', 500), ...limits('1Mi') } });
  for (const [name, text] of [
    ['layer', 'Container main exceeded its local ephemeral storage limit "1Mi"'],
    ['talks', 'Container main exceeded its local ephemeral storage limit "1Mi"'],
    ['volume', 'Pod ephemeral local storage usage exceeds the total limit of containers 2097152'],
  ] as const) {
    const pod = await host.podUntil(name, 'evicted', (p) => p.status.phase === 'Failed');
    expect(pod.status).toMatchObject({
      reason: 'Evicted',
      message: expect.stringContaining(text),
    });
  }
  expect((await host.podUntil('modest', 'to run', () => true)).status.phase).toBe('Running');
});

describe('logs and exec', () => {
  test('logs are cut, dated and followed to their end', async () => {
    const text = 'for i in 1 2 3; do echo line $i; done; sleep 2; echo last';
    await run('talk', { container: script(text), spec: { restartPolicy: 'Never' } });
    await host.podUntil('talk', 'running', (p) => main(p).state.running !== undefined);
    const followed = await host.must(['logs', '-f', 'talk']);
    expect(followed).toBe('line 1\nline 2\nline 3\nlast\n');
    expect(await host.must(['logs', 'talk', '--tail=2'])).toBe('line 3\nlast\n');
    expect(await host.must(['logs', 'talk', '--limit-bytes=8'])).toBe('line 1\nl');
    expect(await host.must(['logs', 'talk', '--timestamps', '--tail=1'])).toMatch(
      /^\d{4}-\d\d-\d\dT[\d:.]+Z last\n$/,
    );
  });

  test('exec passes input, both outputs and the exit code', async () => {
    await run('shell', { container: script('sleep 1000') });
    await ready('shell');
    const command = 'cat; echo wrong >&2; exit 3';
    const result = await host.kubectl(['exec', '-i', 'shell', '--', 'sh', '-c', command], 'typed');
    expect(result.stdout).toBe('typed');
    expect(result.stderr).toContain('wrong');
    expect(result.code).toBe(3);
    const absent = await host.kubectl(['exec', 'shell', '-c', 'other', '--', 'true']);
    expect(absent.stderr).toContain('other');
  });
});

describe('joining', () => {
  const refused = async (name: string, token: string, message: string, caHash?: string) => {
    const { code, stderr } = await host.joinAs(name, token, caHash);
    expect(stderr).toContain(message);
    expect(code).toBe(1);
  };

  test('is refused with a reason and the next step, and leaves no node', async () => {
    await refused('two', 'none.such', 'the join token is not known here');
    const used = await host.createToken(0);
    await refused('two', used, 'the join token is used up');
    const expired = await host.createToken(1, '2020-01-01T00:00:00Z');
    // Or it is not known any more, because expired tokens are swept away.
    await refused('two', expired, 'create another with `gantry token create`');
    const good = await host.createToken(1);
    await refused('one', good, 'choose another --node-name');
    await refused('two', good, 'check --server and --ca-hash', `sha256:${'0'.repeat(64)}`);
    const { stderr } = await host.joinAs('two', good, 'sha256:short');
    expect(stderr).toContain('--ca-hash "sha256:short": must be sha256: and 64 hexadecimal digits');
    expect((await host.must(['get', 'nodes', '-o', 'name'])).trim()).toBe('node/one');
  });
});

describe('the agent', () => {
  test('killed and started again, it restarts nothing and its status is right', async () => {
    const readinessProbe = { httpGet: { port: 8080 }, periodSeconds: 1 };
    await run('steady', { container: { readinessProbe } });
    const before = await ready('steady');
    await run('mortal', { container: script('sleep 2; exit 5'), spec: { restartPolicy: 'Never' } });
    await host.podUntil('mortal', 'running', (p) => main(p).state.running !== undefined);
    host.killAgent();
    await eventually('the container to end unseen', async () => {
      const exits = await host.inside(['sh', '-c', `cat ${host.path('run/monitor')}/*/exit.json`]);
      return exits.stdout.includes('"exitCode":5');
    });
    host.startAgent();
    await host.agentReady();
    const mortal = await host.podUntil('mortal', 'failed', (p) => p.status.phase === 'Failed');
    expect(main(mortal).state.terminated).toMatchObject({ exitCode: 5, reason: 'Error' });
    const after = await host.pod('steady');
    expect(main(after).containerID).toBe(main(before).containerID);
    expect(main(after)).toMatchObject({ restartCount: 0, ready: true });
    expect(after.status.conditions).toEqual(before.status.conditions);
  });

  test('obeys what was ordered while it was away', async () => {
    await run('doomed', { container: script('sleep 1000') });
    await ready('doomed');
    host.killAgent();
    await host.must(['delete', 'pod', 'doomed', '--wait=false']);
    host.startAgent();
    await host.agentReady();
    await eventually('the pod to be gone', async () => {
      return (await host.kubectl(['get', 'pod', 'doomed'])).stderr.includes('not found');
    });
    expect(podTraces()).toEqual([]);
  });
});
