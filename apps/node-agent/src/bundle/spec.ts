import type { Container, Pod } from '@gantry/api';
import type { Image } from '@gantry/image';
import type { Device, Linux, Mount, Sandbox, Spec } from '@gantry/runtime-client';
import { diskLimits, type Disk } from '../bandwidth/disk-bandwidth.js';
import { hugePageLimits, type HugePages } from '../node/huge-pages.js';
import { appArmorProfile } from './app-armor.js';
import { commandLine } from './command.js';
import { expand } from './expand.js';
import { cgroupResources, lowestOomScoreAdj, oomScoreAdj } from './resources.js';
import { applySecurity, type Privileges } from './security.js';
import type { ContainerRoot } from '../snapshots/driver.js';
import type { ResolvedUser } from './user.js';

/** `reclaimable` on a pod: it runs in what others reserved and do not use. */
const overcommitLabel = 'gantry.dev/overcommit';

/** Everything that a container's bundle is made from, resolved and read beforehand. */
export interface BundleInput {
  readonly pod: Pod;
  readonly container: Container;
  readonly image: Pick<Image, 'config'>;
  readonly user: ResolvedUser;
  readonly env: ReadonlyMap<string, string>;
  /** Volumes and the files that the agent gives each container (hosts, resolv.conf …). */
  readonly mounts: readonly Mount[];
  readonly sandbox: Sandbox;
  readonly privileges: Privileges;
  readonly cgroupsPath: string;
  readonly root: ContainerRoot;
  readonly pidsLimit: number;
  readonly nodeMemoryBytes: number;
  /** Device files of the host that the container was given. */
  readonly devices?: readonly Device[];
  /** The disk to whose limits it is held. */
  readonly disk?: Disk | undefined;
  /** Huge pages of the host, of which the container gets what it asks for. */
  readonly hugePages?: readonly HugePages[];
  /** An empty directory where the root is mounted; default: `rootfs` of the bundle. */
  readonly rootfsDir?: string;
  /** Another runtime than ours, which finds its root mounted. */
  readonly foreign?: boolean;
}

function namespaces(pod: Pod, sandbox: Sandbox): Linux['namespaces'] {
  const { hostPID, hostIPC, hostNetwork } = pod.spec;
  const list: Linux['namespaces'] = [{ type: 'mount' }, { type: 'cgroup' }];
  if (sandbox.user) list.push({ type: 'user', path: sandbox.user });
  if (!hostPID) list.push({ type: 'pid', ...(sandbox.pid ? { path: sandbox.pid } : {}) });
  if (!hostIPC) list.push({ type: 'ipc', path: sandbox.ipc });
  if (!hostNetwork && sandbox.net) list.push({ type: 'network', path: sandbox.net });
  if (!hostNetwork && sandbox.uts) list.push({ type: 'uts', path: sandbox.uts });
  return list;
}

/** The defaults' mounts, then the pod's by path, so that a mount never hides one made before it. */
function mergeMounts(defaults: readonly Mount[], own: readonly Mount[]): Mount[] {
  const replaced = new Set(own.map((mount) => mount.destination));
  const kept = defaults.filter((mount) => !replaced.has(mount.destination));
  const sorted = own.toSorted((a, b) => (a.destination < b.destination ? -1 : 1));
  return [...kept, ...sorted];
}

/** What the root is made of, under the names that our runtime knows. */
function rootfsAnnotations({ root }: BundleInput): Record<string, string> {
  if (root.kind === 'directory') return { 'dev.gantry.rootfs.directory': root.directory };
  const { lower, upper, work } = root.layers;
  return {
    'dev.gantry.rootfs.lower': lower.join(':'),
    'dev.gantry.rootfs.upper': upper,
    'dev.gantry.rootfs.work': work,
  };
}

function environmentLines(input: BundleInput): string[] {
  const env = new Map(input.env);
  if (!env.has('HOME')) env.set('HOME', input.user.home);
  if (input.container.tty && !env.has('TERM')) env.set('TERM', 'xterm');
  return [...env].map(([name, value]) => `${name}=${value}`);
}

/** Device files, each with the rule without which it could not be opened. */
function admitDevices({ linux }: Spec, devices: readonly Device[]): void {
  if (devices.length === 0) return;
  // A privileged container has most of the host's devices already.
  const present = new Set(linux.devices?.map(({ path }) => path));
  const further = devices.filter(({ path }) => !present.has(path));
  linux.devices = [...(linux.devices ?? []), ...further];
  const rules = devices.map(({ type, major, minor }) => {
    return { allow: true, type, major, minor, access: 'rwm' };
  });
  linux.resources = {
    ...linux.resources,
    devices: [...(linux.resources?.devices ?? []), ...rules],
  };
}

/** Turns a container of a pod into an OCI spec; `base` is a fresh default spec and is filled in. */
export function buildSpec(base: Spec, input: BundleInput): Spec {
  const { pod, container, image, user } = input;
  const spec = base;
  const isReclaimable = pod.metadata.labels?.[overcommitLabel] === 'reclaimable';
  // Whoever runs in what others reserved is the first to go when memory runs out.
  const qosClass = isReclaimable ? 'BestEffort' : pod.status?.qosClass;
  const workingDir = container.workingDir && expand(container.workingDir, input.env);
  spec.process = {
    ...spec.process,
    terminal: container.tty ?? false,
    user: { uid: user.uid, gid: user.gid, additionalGids: [...user.additionalGids] },
    args: commandLine(container, image.config, input.env),
    env: environmentLines(input),
    cwd: workingDir || image.config.WorkingDir || '/',
    oomScoreAdj: oomScoreAdj(container, qosClass, input.nodeMemoryBytes),
  };
  spec.root = { path: input.rootfsDir ?? 'rootfs' };
  spec.hostname = undefined;
  spec.mounts = mergeMounts(spec.mounts, input.mounts);
  const resources = cgroupResources(container, input.pidsLimit, isReclaimable);
  spec.linux = {
    ...spec.linux,
    namespaces: namespaces(pod, input.sandbox),
    cgroupsPath: input.cgroupsPath,
    resources: {
      ...spec.linux.resources,
      ...resources,
      ...diskLimits(container, input.disk),
      ...hugePageLimits(container, input.hugePages ?? []),
    },
  };
  applySecurity(spec, pod, container, input.privileges);
  admitDevices(spec, input.devices ?? []);
  spec.process.apparmorProfile = appArmorProfile(pod, container);
  // Older runtimes refuse a version that they do not know; nothing of a later one is in here.
  if (input.foreign) {
    // A layered root is mounted for it at the bundle's `rootfs`.
    if (input.root.kind === 'directory') spec.root = { path: input.root.directory };
    spec.ociVersion = '1.0.2';
    // Ours settles for what the host lets it set; others would not start the container.
    const { oomScoreAdj: wanted = 0 } = spec.process;
    spec.process.oomScoreAdj = Math.max(wanted, lowestOomScoreAdj());
  } else spec.annotations = { ...spec.annotations, ...rootfsAnnotations(input) };
  return spec;
}
