import { setTimeout as pause } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, expect, onTestFailed, test } from 'vitest';
import { Cluster, isReady, type PodView } from './cluster/cluster.ts';
import type { Host } from './cluster/host.ts';
import { deployment, pod, webImage } from './cluster/manifests.ts';
import { eventually } from './cluster/process.ts';

let cluster: Cluster;

beforeAll(async () => {
  cluster = await Cluster.start();
});

afterAll(async () => {
  await cluster?.close();
});

afterEach(async () => {
  await cluster.gantry(['delete', 'deployment,pod', '--all', '--wait=false']);
  await eventually('an empty cluster', async () => {
    const { items } = await cluster.get<{ items: unknown[] }>(['pods']);
    return items.length === 0;
  });
});

function reportJournals(name: string): void {
  onTestFailed(() => cluster.journals(`test-results/journal-${name}.log`));
}

const restarts = (p: PodView | undefined): number =>
  p?.status.containerStatuses?.[0]?.restartCount ?? -1;
const only = (pods: readonly PodView[]): PodView => {
  expect(pods).toHaveLength(1);
  return pods[0] as PodView;
};
const exec = (p: PodView, command: readonly string[]) =>
  cluster.gantry(['exec', p.metadata.name, '--', ...command]);

/** The pids, seen from the host, of the processes in the pod's cgroups. */
async function pidsOf(p: PodView): Promise<string[]> {
  const files = `/sys/fs/cgroup/pids/gantry/${p.metadata.uid}/*/cgroup.procs`;
  const text = await cluster.node(p.spec.nodeName).shell(`cat ${files}`);
  return text.split('\n').filter(Boolean);
}

/** Resident memory of a unit's main process, in MiB. */
async function residentMiB(host: Host, unit: string): Promise<number> {
  const script = `grep VmRSS /proc/$(systemctl show -P MainPID ${unit})/status`;
  return Number(/(\d+) kB/.exec(await host.shell(script))?.[1]) / 1024;
}

/** etcd's revision: it grows by one with every write. */
async function revision(): Promise<number> {
  const status = '/opt/tools/etcdctl --endpoints http://10.99.0.10:2379 endpoint status -w json';
  const [endpoint] = JSON.parse(await cluster.control.shell(status)) as {
    Status: { header: { revision: number } };
  }[];
  return endpoint?.Status.header.revision ?? 0;
}

test('an idle cluster is small and writes less than once a second', async () => {
  reportJournals('idle');
  const seconds = 20;
  const before = await revision();
  await pause(seconds * 1000); // the window that is measured
  expect((await revision()) - before).toBeLessThan(seconds);
  for (const node of cluster.nodes)
    expect(await residentMiB(node, 'gantry-agent')).toBeLessThan(80);
  for (const host of [cluster.control, cluster.standby]) {
    expect(await residentMiB(host, 'gantry-control-plane')).toBeLessThan(180);
  }
});

test('nine replicas run, packed as the scheduler said', async () => {
  reportJournals('nine');
  const resources = { requests: { cpu: '100m', memory: '64Mi' } };
  await cluster.apply(deployment({ name: 'nine', replicas: 9, probe: true, resources }));
  const pods = await cluster.settled('app=nine', 9);
  for (const p of pods) {
    const why = await cluster.gantry(['why', `pod/${p.metadata.name}`]);
    expect(why).toContain(p.spec.nodeName);
  }
  // 900m of 2 cores fit on one node: bin-packing leaves the others empty.
  expect(new Set(pods.map((p) => p.spec.nodeName)).size).toBe(1);
});

test('a pod fetches a page from a pod on another host', async () => {
  reportJournals('network');
  await cluster.apply([
    pod({ name: 'server', node: 'node-a', probe: true }),
    pod({ name: 'visitor', node: 'node-b', probe: true }),
  ]);
  const server = only(await cluster.settled('app=server', 1));
  const visitor = only(await cluster.settled('app=visitor', 1));
  const page = await exec(visitor, ['wget', '-qO-', `http://${server.status.podIP}:8080/`]);
  expect(page).toContain('It works');
  // Both control planes reach every container, whichever of them its agent has dialled.
  for (const host of [cluster.control, cluster.standby]) {
    const name = visitor.metadata.name;
    const said = await cluster.tryGantry(['exec', name, '--', 'hostname'], '', host);
    expect(said).toMatchObject({ code: 0, stdout: `${name}\n` });
    const log = await cluster.tryGantry(['logs', server.metadata.name], '', host);
    expect(log).toMatchObject({ code: 0 });
    expect(log.stdout).toContain('response:200');
  }
});

test('a killed container is started again, each time after a longer wait', async () => {
  reportJournals('kill-container');
  await cluster.apply(pod({ name: 'victim', probe: true }));
  const first = only(await cluster.settled('app=victim', 1));
  const [pid] = await pidsOf(first);
  await cluster.node(first.spec.nodeName).shell(`kill -9 ${pid}`);
  const again = await eventually('the first restart', async () => {
    const p = only(await cluster.pods('app=victim'));
    return restarts(p) === 1 && isReady(p) && p;
  });
  expect(again.status.containerStatuses?.[0]?.lastState?.terminated).toMatchObject({
    exitCode: 137,
    reason: 'Error',
  });
  expect(again.metadata.uid).toBe(first.metadata.uid);
  await cluster.apply(pod({ name: 'failing', command: ['false'] }));
  await eventually('CrashLoopBackOff', async () => {
    const p = only(await cluster.pods('app=failing'));
    return (
      p.status.containerStatuses?.[0]?.state.waiting?.reason === 'CrashLoopBackOff' &&
      restarts(p) >= 1
    );
  });
});

test('kill -9 of an agent restarts no container, and its status is right again', async () => {
  reportJournals('kill-agent');
  await cluster.apply(deployment({ name: 'steady', replicas: 3, probe: true }));
  const before = await cluster.settled('app=steady', 3);
  const node = cluster.node(before[0]?.spec.nodeName);
  await node.shell('systemctl kill -s KILL gantry-agent');
  // A container that dies while nobody watches must be noticed afterwards.
  const [pid] = await pidsOf(before[0] as PodView);
  await node.shell(`kill -9 ${pid}`);
  await eventually('the missed death to be seen', async () => {
    const pods = await cluster.pods('app=steady');
    return pods.every(isReady) && pods.reduce((sum, p) => sum + restarts(p), 0) === 1;
  });
  const after = await cluster.pods('app=steady');
  const ids = (pods: readonly PodView[]) =>
    new Set(pods.map((p) => p.status.containerStatuses?.[0]?.containerID));
  expect([...ids(after)].filter((id) => ids(before).has(id))).toHaveLength(2);
});

test('kill -9 of the control plane touches nothing that runs; the second one takes over', async () => {
  reportJournals('kill-control-plane');
  await cluster.apply(deployment({ name: 'calm', replicas: 2, probe: true }));
  const before = await cluster.settled('app=calm', 2);
  await cluster.control.shell(
    'systemctl kill -s KILL gantry-control-plane && systemctl stop gantry-control-plane',
  );
  try {
    const scaled = await cluster.tryGantry(
      [
        '--kubeconfig',
        '/var/lib/gantry/admin.kubeconfig',
        'scale',
        'deployment/calm',
        '--replicas',
        '4',
      ],
      '',
      cluster.standby,
    );
    expect(scaled).toMatchObject({ code: 0 });
    const pods = await eventually('four ready pods by the second control plane', async () => {
      const found = await cluster.pods('app=calm', cluster.standby);
      return found.length === 4 && found.every(isReady) && found;
    });
    for (const old of before) {
      const same = pods.find((p) => p.metadata.uid === old.metadata.uid);
      expect(same?.status.containerStatuses?.[0]?.containerID).toBe(
        old.status.containerStatuses?.[0]?.containerID,
      );
    }
  } finally {
    await cluster.control.shell('systemctl start gantry-control-plane');
    await eventually('the first control plane', () => cluster.gantry(['get', 'nodes']));
  }
});

test('kill -9 of etcd: reads fail cleanly, writes resume, nothing acknowledged is lost', async () => {
  reportJournals('kill-etcd');
  const acknowledged: string[] = [];
  const write = async (name: string) => {
    const manifest = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name }, data: { name } };
    const outcome = await cluster.tryGantry(['apply', '-f', '-'], JSON.stringify(manifest));
    if (outcome.code === 0) acknowledged.push(name);
    return outcome;
  };
  for (let i = 0; i < 5; i++) expect((await write(`before-${i}`)).code).toBe(0);
  await cluster.control.shell('systemctl kill -s KILL cluster-etcd && systemctl stop cluster-etcd');
  const refused = await cluster.tryGantry(['get', 'configmaps']);
  expect(refused.code).not.toBe(0);
  expect(refused.stderr).toMatch(/etcd|store|unavailable/i);
  await cluster.control.shell('systemctl start cluster-etcd');
  await eventually(
    'writes to resume',
    async () => (await write(`after-${acknowledged.length}`)).code === 0,
  );
  const { items } = await cluster.get<{ items: { metadata: { name: string } }[] }>(['configmaps']);
  const names = items.map((item) => item.metadata.name);
  expect(names).toEqual(expect.arrayContaining(acknowledged));
  await cluster.gantry(['delete', 'configmap', ...acknowledged]);
});

test('a host whose link is cut: NotReady, replaced in bounds, and nothing runs twice after', async () => {
  reportJournals('cut');
  await cluster.apply(deployment({ name: 'moved', replicas: 2, probe: true }));
  const before = await cluster.settled('app=moved', 2);
  const lost = cluster.node(before[0]?.spec.nodeName);
  await lost.cut();
  try {
    await eventually(
      'the node to be not ready',
      async () => !(await cluster.readyNodes()).includes(lost.name),
      30_000,
    );
    const replaced = await eventually(
      'replacements on other hosts',
      async () => {
        const ready = (await cluster.pods('app=moved')).filter(
          (p) => isReady(p) && !p.metadata.deletionTimestamp,
        );
        return ready.length === 2 && ready.every((p) => p.spec.nodeName !== lost.name) && ready;
      },
      45_000,
    );
    expect(replaced.map((p) => p.metadata.uid)).not.toContain(before[0]?.metadata.uid);
  } finally {
    await lost.plug();
  }
  await eventually(
    'the node to be ready',
    async () => (await cluster.readyNodes()).includes(lost.name),
    45_000,
  );
  await cluster.settled('app=moved', 2);
  for (const old of before.filter((p) => p.spec.nodeName === lost.name)) {
    await eventually('the old processes to be gone', async () => {
      const left = await lost.run([
        'sh',
        '-c',
        `cat /sys/fs/cgroup/pids/gantry/${old.metadata.uid}/*/cgroup.procs 2>/dev/null`,
      ]);
      return left.stdout.trim() === '';
    });
  }
});

test('a rolling update to a broken image stops, says why, and rolls back', async () => {
  reportJournals('rollback');
  const spec = { progressDeadlineSeconds: 8 };
  await cluster.apply(deployment({ name: 'web', replicas: 3, probe: true, spec }));
  await cluster.settled('app=web', 3);
  const broken = webImage.replace(':1.0', ':does-not-exist');
  await cluster.apply(deployment({ name: 'web', replicas: 3, probe: true, image: broken, spec }));
  const status = await cluster.tryGantry([
    'rollout',
    'status',
    'deployment/web',
    '--timeout',
    '60s',
  ]);
  expect(status.code).not.toBe(0);
  expect(status.stdout + status.stderr).toMatch(/progress deadline|ProgressDeadlineExceeded/);
  const pods = await cluster.pods('app=web');
  expect(pods.filter(isReady).length).toBeGreaterThanOrEqual(2);
  const waiting = pods.find((p) => p.status.containerStatuses?.[0]?.state.waiting);
  const said = waiting?.status.containerStatuses?.[0]?.state.waiting;
  expect(said?.reason).toMatch(/ErrImagePull|ImagePullBackOff/);
  expect(said?.message).toContain('does-not-exist');
  await cluster.gantry(['rollout', 'undo', 'deployment/web']);
  await cluster.gantry(['rollout', 'status', 'deployment/web', '--timeout', '60s']);
  await cluster.settled('app=web', 3);
});

test('a container over its memory limit is OOMKilled alone', async () => {
  reportJournals('oom');
  const limits = { requests: { memory: '32Mi' }, limits: { memory: '32Mi' } };
  const hungry = ['sh', '-c', 'x=a; while :; do x=$x$x; done'];
  await cluster.apply([
    pod({ name: 'neighbour', node: 'node-a', probe: true }),
    pod({ name: 'hungry', node: 'node-a', command: hungry, resources: limits }),
  ]);
  await eventually('OOMKilled', async () => {
    const status = only(await cluster.pods('app=hungry')).status.containerStatuses?.[0];
    return [status?.state.terminated, status?.lastState?.terminated].some(
      (t) => t?.reason === 'OOMKilled' && t.exitCode === 137,
    );
  });
  const neighbour = only(await cluster.settled('app=neighbour', 1));
  expect(restarts(neighbour)).toBe(0);
});

test('a busy loop stays within its cpu limit', async () => {
  reportJournals('cpu');
  const resources = { requests: { cpu: '100m' }, limits: { cpu: '200m' } };
  await cluster.apply(
    pod({ name: 'busy', command: ['sh', '-c', 'while :; do :; done'], resources }),
  );
  const busy = only(await cluster.settled('app=busy', 1));
  const node = cluster.node(busy.spec.nodeName);
  const usage = async () => {
    const files = `/sys/fs/cgroup/cpuacct/gantry/${busy.metadata.uid}/*/cpuacct.usage`;
    const [nanos, now] = (await node.shell(`cat ${files}; date +%s%N`))
      .trim()
      .split('\n')
      .map(Number);
    return { nanos: nanos ?? 0, now: now ?? 0 };
  };
  const begin = await usage();
  await pause(5_000); // the window that is measured
  const after = await usage();
  const cores = (after.nanos - begin.nanos) / (after.now - begin.now);
  expect(cores).toBeGreaterThan(0.05);
  expect(cores).toBeLessThan(0.25);
});

test('a fork bomb hits its pids limit and nothing else', async () => {
  reportJournals('fork-bomb');
  const bomb = ['sh', '-c', 'f() { f | f & }; while :; do f; sleep 1; done'];
  await cluster.apply([
    pod({ name: 'bomb', node: 'node-b', command: bomb }),
    pod({ name: 'bystander', node: 'node-b', probe: true }),
  ]);
  const bystander = only(await cluster.settled('app=bystander', 1));
  const bombed = only(await cluster.pods('app=bomb'));
  const group = `/sys/fs/cgroup/pids/gantry/${bombed.metadata.uid}/*`;
  await eventually('the limit to be hit', async () => {
    const text = await cluster.node('node-b').shell(`cat ${group}/pids.events ${group}/pids.max`);
    const [, hits, limit] = /max (\d+)\n(\d+)/.exec(text) ?? [];
    return Number(hits) > 0 && Number(limit) > 0;
  });
  expect(await exec(bystander, ['echo', 'still here'])).toContain('still here');
});

test('a reboot of a host brings its pods back', async () => {
  reportJournals('reboot');
  await cluster.apply(pod({ name: 'home', node: 'node-c', probe: true }));
  const before = only(await cluster.settled('app=home', 1));
  const node = cluster.node('node-c');
  await node.crash();
  await node.boot();
  const after = await eventually('the pod on the rebooted host', async () => {
    const p = (await cluster.pods('app=home')).find((q) => q.metadata.uid === before.metadata.uid);
    return p && isReady(p) && restarts(p) >= 1 && p;
  });
  expect(after.spec.nodeName).toBe('node-c');
});

test('an uninstalled host keeps nothing of Gantry', async () => {
  reportJournals('uninstall');
  await cluster.apply(pod({ name: 'last', node: 'node-c', probe: true }));
  await cluster.settled('app=last', 1);
  const node = cluster.node('node-c');
  expect(await node.shell('/opt/gantry/deploy/install.sh uninstall')).toContain(
    'Gantry is removed',
  );
  const traces = [
    'ls -d /usr/lib/gantry /etc/gantry /run/gantry /usr/local/bin/gantry /etc/systemd/system/gantry-*',
    'ls -A /var/lib/gantry',
    'find /sys/fs/cgroup -maxdepth 2 -name gantry',
    'grep -E "gantry/(pods|images)|/run/gantry" /proc/self/mounts',
    'ip -br link | grep -E "gantry|veth"',
    'nft list tables | grep gantry',
    'pgrep -a gantry-',
  ];
  const left = await node.run(['sh', '-c', `{ ${traces.join('; ')}; } 2>/dev/null`]);
  expect(left.stdout).toBe('');
  await cluster.gantry(['delete', 'pod', 'last', '--force', '--grace-period=0']);
  await cluster.gantry(['delete', 'node', 'node-c']);
});
