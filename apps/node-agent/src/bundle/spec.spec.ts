import { describe, expect, test } from 'vitest';
import type { Container, Pod } from '@gantry/api';
import { defaultSpec, type Spec } from '@gantry/runtime-client';
import { capabilities } from './capabilities.js';
import { appArmorProfile } from './app-armor.js';
import { commandLine } from './command.js';
import { environment, type ResourceLookup } from './environment.js';
import type { FieldContext } from './fields.js';
import { cgroupResources, oomScoreAdj } from './resources.js';
import { buildSpec, type BundleInput } from './spec.js';
import type { ContainerRoot } from '../snapshots/driver.js';
import { resolveUser } from './user.js';

const container = (extra: Partial<Container> = {}): Container => ({
  name: 'a',
  image: 'i',
  ...extra,
});

function pod(spec: Partial<Pod['spec']> = {}): Pod {
  const metadata = { name: 'p', namespace: 'n', uid: 'u', labels: { app: 'web' } };
  return { metadata, spec: { containers: [container()], ...spec } };
}

const fields = (of: Pod): FieldContext => ({
  pod: of,
  podIPs: ['10.42.0.7'],
  hostIP: '10.99.0.1',
  nodeName: 'one',
  allocatable: { cpu: '1900m', memory: '1Gi' },
});

const objects: ResourceLookup = {
  configMap: (name) =>
    name === 'cm' ? { metadata: { name }, data: { color: 'blue', 'a=b': 'no' } } : undefined,
  secret: (name) =>
    name === 'sec' ? { metadata: { name }, data: { key: 'c2VzYW1l' } } : undefined,
  runtimeClass: () => undefined,
};

describe('environment', () => {
  const env = (extra: Partial<Container>, image: string[] = []) =>
    Object.fromEntries(environment(container(extra), image, fields(pod()), objects));

  test('later sources win, and references see what comes before them', () => {
    const values = env(
      {
        envFrom: [{ prefix: 'CM_', configMapRef: { name: 'cm' } }, { secretRef: { name: 'sec' } }],
        env: [
          { name: 'A', value: '$(CM_color)-$(LATER)-$$(A)' },
          { name: 'LATER', value: 'x' },
          { name: 'IP', valueFrom: { fieldRef: { fieldPath: 'status.podIP' } } },
          { name: 'APP', valueFrom: { fieldRef: { fieldPath: "metadata.labels['app']" } } },
          {
            name: 'CPU',
            valueFrom: { resourceFieldRef: { resource: 'limits.cpu', divisor: '1m' } },
          },
          {
            name: 'MEM',
            valueFrom: { resourceFieldRef: { resource: 'limits.memory', divisor: '1Mi' } },
          },
          { name: 'OPT', valueFrom: { secretKeyRef: { name: 'none', key: 'k', optional: true } } },
        ],
        resources: { limits: { cpu: '0.1' } },
      },
      ['A=image', 'B=kept', 'broken'],
    );
    expect(values).toMatchObject({
      A: 'blue-$(LATER)-$(A)',
      B: 'kept',
      IP: '10.42.0.7',
      APP: 'web',
    });
    expect(values).toMatchObject({ CPU: '100', MEM: '1024', key: 'sesame', CM_color: 'blue' });
    expect(Object.keys(values)).not.toContain('OPT');
    expect(Object.keys(values)).not.toContain('CM_a=b');
    expect(values.PATH).toContain('/usr/bin');
    expect(values.HOSTNAME).toBe('p');
  });

  test.each<[Partial<Container>, string]>([
    [{ envFrom: [{ configMapRef: { name: 'none' } }] }, 'configmap "none" not found'],
    [
      { env: [{ name: 'A', valueFrom: { secretKeyRef: { name: 'sec', key: 'nope' } } }] },
      "couldn't find key nope in secret",
    ],
    [{ env: [{ name: 'A', valueFrom: { fieldRef: { fieldPath: 'spec.nope' } } }] }, 'spec.nope'],
  ])('refuses %j', (extra, message) => {
    expect(() => env(extra)).toThrow(message);
  });
});

describe('user', () => {
  const database = {
    passwd: 'root:x:0:0:root:/root:/bin/sh\nweb:x:1000:1001::/home/web:/bin/sh\n',
    group: 'root:x:0:\nweb:x:1001:\nextra:x:2000:web\n',
  };

  test.each<[string, Partial<Pod['spec']>, Partial<Container>, object]>([
    ['', {}, {}, { uid: 0, gid: 0, home: '/root' }],
    ['web', {}, {}, { uid: 1000, gid: 1001, additionalGids: [2000], home: '/home/web' }],
    ['web:extra', {}, {}, { uid: 1000, gid: 2000 }],
    ['5000', {}, {}, { uid: 5000, gid: 0, home: '/' }],
    ['web', {}, { securityContext: { runAsUser: 7, runAsGroup: 8 } }, { uid: 7, gid: 8 }],
    [
      'web',
      { securityContext: { runAsUser: 1000, fsGroup: 3000, supplementalGroups: [4000] } },
      {},
      { uid: 1000, gid: 1001, additionalGids: [2000, 4000, 3000] },
    ],
  ])('%j with %j and %j', (image, spec, own, expected) => {
    expect(resolveUser(pod(spec), container(own), image, database)).toMatchObject(expected);
  });

  test.each<[string, Partial<Container>, string]>([
    ['nobody', {}, '"nobody" is not in its /etc/passwd'],
    ['web:nogroup', {}, '"nogroup" is not in its /etc/group'],
    ['', { securityContext: { runAsNonRoot: true } }, 'image will run as root'],
    ['web', { securityContext: { runAsNonRoot: true } }, 'non-numeric user'],
    ['', { securityContext: { runAsNonRoot: true, runAsUser: 0 } }, 'runAsUser is root'],
    ['99999999999', {}, 'is not in its /etc/passwd'],
  ])('refuses %j with %j', (image, own, message) => {
    expect(() => resolveUser(pod(), container(own), image, database)).toThrow(message);
  });
});

test.each<[Partial<Container>, object, string[] | string]>([
  [{}, { Entrypoint: ['e'], Cmd: ['c'] }, ['e', 'c']],
  [{ args: ['x'] }, { Entrypoint: ['e'], Cmd: ['c'] }, ['e', 'x']],
  [{ command: ['m'] }, { Entrypoint: ['e'], Cmd: ['c'] }, ['m']],
  [{ command: ['m'], args: ['$(V)', '$$(V)'] }, {}, ['m', 'value', '$(V)']],
  [{}, { Cmd: ['c'] }, ['c']],
  [{}, {}, 'no command specified'],
])('the command line of %j on %j', (own, image, expected) => {
  const line = () => commandLine(container(own), image, new Map([['V', 'value']]));
  if (typeof expected === 'string') expect(line).toThrow(expected);
  else expect(line()).toEqual(expected);
});

test.each<[object | undefined, string[] | string]>([
  [undefined, ['CAP_CHOWN', 'CAP_KILL']],
  [{ drop: ['ALL'] }, []],
  [{ drop: ['ALL'], add: ['NET_BIND_SERVICE'] }, ['CAP_NET_BIND_SERVICE']],
  [{ drop: ['cap_kill'], add: ['SYS_TIME'] }, ['CAP_CHOWN', 'CAP_SYS_TIME']],
  [{ add: ['FLY'] }, 'no capability "FLY"'],
])('capabilities with %j', (given, expected) => {
  const own = container({ securityContext: { capabilities: given } });
  const result = () => capabilities(own, ['CAP_CHOWN', 'CAP_KILL']);
  if (typeof expected === 'string') expect(result).toThrow(expected);
  else expect(result()).toEqual(expected);
});

test.each<[object, object]>([
  [{}, { cpu: { shares: 2 }, pids: { limit: 100 } }],
  [{ requests: { cpu: '250m' } }, { cpu: { shares: 256 }, pids: { limit: 100 } }],
  [
    { limits: { cpu: '0.5', memory: '64Mi' } },
    {
      cpu: { shares: 512, quota: 50_000, period: 100_000 },
      memory: { limit: 67_108_864, swap: 67_108_864, reservation: 67_108_864 },
      pids: { limit: 100 },
    },
  ],
  [
    { limits: { cpu: '1m' } },
    { cpu: { shares: 2, quota: 1000, period: 100_000 }, pids: { limit: 100 } },
  ],
])('resources %j', (resources, expected) => {
  expect(cgroupResources(container({ resources }), 100)).toEqual(expected);
});

test('a reclaimable pod has the least weight, no protected memory, and goes first', () => {
  const resources = { requests: { cpu: '2', memory: '64Mi' }, limits: { memory: '64Mi' } };
  expect(cgroupResources(container({ resources }), 100, true)).toEqual({
    cpu: { shares: 2 },
    memory: { limit: 67_108_864, swap: 67_108_864 },
    pids: { limit: 100 },
  });
});

test('the out-of-memory preference follows the quality of service', () => {
  const half = container({ resources: { requests: { memory: '512Mi' } } });
  expect(oomScoreAdj(half, 'Guaranteed', 2 ** 30)).toBe(-997);
  expect(oomScoreAdj(half, 'Burstable', 2 ** 30)).toBe(500);
  expect(oomScoreAdj(container(), 'Burstable', 2 ** 30)).toBe(999);
  expect(oomScoreAdj(container(), 'BestEffort', 2 ** 30)).toBe(1000);
});

test.each<[Partial<Pod['spec']>, Partial<Container>, boolean, string | undefined]>([
  [{}, {}, false, undefined],
  [{ securityContext: { appArmorProfile: { type: 'Unconfined' } } }, {}, false, undefined],
  [{ securityContext: { appArmorProfile: { type: 'RuntimeDefault' } } }, {}, false, 'no AppArmor'],
  [{ securityContext: { appArmorProfile: { type: 'RuntimeDefault' } } }, {}, true, 'name it as'],
])('the AppArmor profile of %j %j on a node with it: %j', (spec, own, has, message) => {
  const profile = () => appArmorProfile(pod(spec), container(own), has);
  if (message === undefined) expect(profile()).toBeUndefined();
  else expect(profile).toThrow(message);
});

test("a container's own AppArmor profile goes before its pod's", () => {
  const appArmor = (localhostProfile: string) => ({
    securityContext: { appArmorProfile: { type: 'Localhost' as const, localhostProfile } },
  });
  expect(appArmorProfile(pod(appArmor('pods')), container(appArmor('own')), true)).toBe('own');
  expect(appArmorProfile(pod(appArmor('pods')), container(), true)).toBe('pods');
});

describe('the whole spec', () => {
  const layers = { lower: ['/top', '/bottom'], upper: '/layer/upper', work: '/layer/work' };
  const layered: ContainerRoot = { kind: 'layers', layers };

  function build(
    own: Partial<Container>,
    spec: Partial<Pod['spec']> = {},
    labels: Record<string, string> = {},
    rest: Pick<BundleInput, 'root' | 'foreign'> = { root: layered },
  ): Spec {
    const made = pod(spec);
    const metadata = { ...made.metadata, labels: { ...made.metadata.labels, ...labels } };
    const of: Pod = { ...made, metadata, status: { qosClass: 'Guaranteed' } };
    return buildSpec(defaultSpec({ seccomp: { defaultAction: 'SCMP_ACT_ERRNO' } }), {
      pod: of,
      container: container({ command: ['run'], ...own }),
      image: { config: { WorkingDir: '/srv' } },
      user: { uid: 1, gid: 2, additionalGids: [3], home: '/home' },
      env: new Map([['A', '1']]),
      mounts: [
        { destination: '/data/inner', type: 'bind', source: '/y' },
        { destination: '/data', type: 'bind', source: '/x' },
        { destination: '/dev/shm', type: 'bind', source: '/z' },
      ],
      sandbox: { dir: '/s', net: '/s/net', ipc: '/s/ipc', uts: '/s/uts' },
      privileges: { seccomp: { defaultAction: 'SCMP_ACT_ERRNO' }, hostDevices: [] },
      cgroupsPath: '/gantry/u/c',
      ...rest,
      pidsLimit: 100,
      nodeMemoryBytes: 2 ** 30,
    });
  }

  test('a root that is a copy is named to our runtime, and is the root path of any other', () => {
    const root: ContainerRoot = { kind: 'directory', directory: '/layer/root' };
    const own = build({}, {}, {}, { root });
    expect(own.annotations).toEqual({ 'dev.gantry.rootfs.directory': '/layer/root' });
    expect(own.root.path).toBe('rootfs');
    const foreign = build({}, {}, {}, { root, foreign: true });
    expect([foreign.root.path, foreign.annotations]).toEqual(['/layer/root', undefined]);
    expect(build({}, {}, {}, { root: layered, foreign: true }).root.path).toBe('rootfs');
  });

  test('is strict unless asked otherwise', () => {
    const spec = build({});
    expect(spec.process).toMatchObject({
      cwd: '/srv',
      noNewPrivileges: true,
      env: ['A=1', 'HOME=/home'],
    });
    expect(spec.process.user).toEqual({ uid: 1, gid: 2, additionalGids: [3] });
    expect(spec.linux.seccomp).toBeDefined();
    expect(spec.linux.maskedPaths).not.toEqual([]);
    expect(spec.linux.cgroupsPath).toBe('/gantry/u/c');
    expect(spec.annotations).toMatchObject({ 'dev.gantry.rootfs.lower': '/top:/bottom' });
    expect(spec.linux.namespaces).toContainEqual({ type: 'network', path: '/s/net' });
    expect(spec.linux.namespaces).toContainEqual({ type: 'pid' });
  });

  test('a reclaimable pod is the first to be killed, and gives way to every other', () => {
    const own = { resources: { requests: { cpu: '4' } } };
    const of = (labels: Record<string, string>) => {
      const { process, linux } = build(own, {}, labels);
      return [process.oomScoreAdj, linux.resources?.cpu?.shares];
    };
    expect(of({})).toEqual([-997, 4096]);
    expect(of({ 'gantry.dev/overcommit': 'reclaimable' })).toEqual([1000, 2]);
  });

  test('mounts the pod after the defaults, outer before inner, and replaces what it names', () => {
    const destinations = build({}).mounts.map((mount) => mount.destination);
    expect(destinations.slice(-3)).toEqual(['/data', '/data/inner', '/dev/shm']);
    expect(destinations.filter((path) => path === '/dev/shm')).toHaveLength(1);
  });

  test('shares what the pod shares with the host', () => {
    const { linux } = build({}, { hostNetwork: true, hostPID: true, hostIPC: true });
    const types = linux.namespaces.map(({ type }) => type);
    expect(types).toEqual(['mount', 'cgroup']);
  });

  test('a privileged container is not confined', () => {
    const spec = build({ securityContext: { privileged: true } });
    expect(spec.linux.seccomp).toBeUndefined();
    expect(spec.linux.maskedPaths).toEqual([]);
    expect(spec.process.noNewPrivileges).toBe(false);
    expect(spec.process.capabilities?.bounding).toContain('CAP_SYS_ADMIN');
  });

  test.each([
    [{ allowPrivilegeEscalation: true }, false],
    [{ allowPrivilegeEscalation: false, capabilities: { add: ['SYS_ADMIN'] } }, true],
    [{ capabilities: { add: ['SYS_ADMIN'] } }, false],
  ])('%j means no_new_privs %s', (securityContext, expected) => {
    expect(build({ securityContext }).process.noNewPrivileges).toBe(expected);
  });
});
