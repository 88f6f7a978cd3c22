import { readdirSync, readFileSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { dirname, join, normalize } from 'node:path';
import type { Container, Pod } from '@gantry/api';
import type { Image } from '@gantry/image';
import {
  defaultSpec,
  writeBundle,
  type Device,
  type ForeignRuntime,
  type LayeredRoot,
  type Sandbox,
  type Seccomp,
} from '@gantry/runtime-client';
import { ContainerConfigError } from '../bundle/config-error.js';
import { environment } from '../bundle/environment.js';
import type { FieldContext } from '../bundle/fields.js';
import { readLayerFile } from '../bundle/layer-files.js';
import { seccompProfile } from '../bundle/security.js';
import { buildSpec } from '../bundle/spec.js';
import { resolveUser, type ResolvedUser } from '../bundle/user.js';
import { containerDevices } from '../devices/container-devices.js';
import { deviceNode } from '../devices/device-node.js';
import type { ContainerRoot } from '../snapshots/driver.js';
import { volumeMounts } from '../volumes/volumes.js';
import { agentMounts } from './container-mounts.js';
import type { NodeContext } from './node-context.js';
import { attemptPaths, type PodPaths } from './paths.js';
import type { Attempt, SandboxRecord } from './record.js';

/** Which container to make a bundle for, and in what surroundings. */
export interface BundleRequest {
  readonly pod: Pod;
  readonly container: Container;
  readonly attempt: Attempt;
  readonly image: Image;
  readonly paths: PodPaths;
  readonly sandbox: SandboxRecord;
  /** Ends a preparation that takes long. */
  readonly signal: AbortSignal;
}

/** A bundle on disk. */
export interface PreparedBundle {
  readonly dir: string;
  readonly cgroupsPath: string;
  /** Another runtime than ours, and the root to mount for it when it is not one already. */
  readonly foreign?: { readonly runtime: ForeignRuntime; readonly rootfs?: LayeredRoot };
}

/** Where the pod's namespaces are pinned. */
export function sandboxPaths(pod: Pod, paths: PodPaths): Sandbox {
  const at = (name: string) => join(paths.sandbox, name);
  const shared = { dir: paths.sandbox, ipc: at('ipc') };
  const { hostUsers, shareProcessNamespace } = pod.spec;
  const own = {
    ...shared,
    ...(hostUsers === false ? { user: at('user') } : {}),
    ...(shareProcessNamespace ? { pid: at('pid') } : {}),
  };
  return pod.spec.hostNetwork ? own : { ...own, net: at('net'), uts: at('uts') };
}

/** What downward fields are taken from. */
export function fieldContext(pod: Pod, context: NodeContext, ips: readonly string[]): FieldContext {
  const { name, ip, allocatable } = context.node;
  return { pod, podIPs: ips, hostIP: ip, nodeName: name, allocatable };
}

async function userOf(pod: Pod, container: Container, image: Image): Promise<ResolvedUser> {
  const [passwd = '', group = ''] = await Promise.all(
    ['/etc/passwd', '/etc/group'].map((path) => readLayerFile(image.layerDirs, path)),
  );
  return resolveUser(pod, container, image.config.User ?? '', { passwd, group });
}

function seccompOf(pod: Pod, container: Container, context: NodeContext): Seccomp | undefined {
  const profile = seccompProfile(pod, container);
  if (profile.type === 'Unconfined') return undefined;
  if (profile.type === 'RuntimeDefault') return context.seccomp;
  const dir = join(context.config.dataDir, 'seccomp');
  const path = normalize(join(dir, profile.localhostProfile ?? ''));
  if (!path.startsWith(`${dir}/`)) {
    throw new ContainerConfigError(`seccompProfile.localhostProfile must lie below ${dir}`);
  }
  try {
    return JSON.parse(readFileSync(path, 'utf8')) as Seccomp;
  } catch (error) {
    throw new ContainerConfigError(`seccompProfile ${path}: ${(error as Error).message}`);
  }
}

/** The host's devices right below /dev, for privileged containers. */
function hostDevices(): Device[] {
  const own = new Set(['null', 'zero', 'full', 'random', 'urandom', 'tty', 'console', 'ptmx']);
  return readdirSync('/dev', { withFileTypes: true })
    .filter((entry) => (entry.isCharacterDevice() || entry.isBlockDevice()) && !own.has(entry.name))
    .flatMap((entry) => deviceNode(join('/dev', entry.name)) ?? []);
}

/** Reads and resolves what the container needs and writes its bundle. */
export async function prepareBundle(
  request: BundleRequest,
  context: NodeContext,
): Promise<PreparedBundle> {
  const { pod, container, image, paths, attempt, sandbox, signal } = request;
  const fields = fieldContext(pod, context, sandbox.ips);
  const lookup = context.resources(pod.metadata.namespace!);
  const env = environment(container, image.config.Env ?? [], fields, lookup);
  const user = await userOf(pod, container, image);
  const at = attemptPaths(paths, container.name, attempt.attempt);
  const own = await agentMounts(pod, container, paths, at);
  const run = (argv: readonly string[]) => context.runtime.run(argv);
  const volumes = await volumeMounts(pod, container, { paths, run, env });
  const seccomp = seccompOf(pod, container, context);
  const granted = containerDevices(pod, container, context.config.devicePools);
  for (const [name, value] of Object.entries(granted.env)) env.set(name, value);
  const devices = container.securityContext?.privileged ? hostDevices() : [];
  const cgroupsPath = `${paths.cgroup}/${attempt.id}`;
  const root = await context.snapshots.prepare(image, at.layer, signal);
  const spec = buildSpec(defaultSpec({ seccomp }), {
    pod,
    container,
    image,
    user,
    env,
    mounts: [...own, ...volumes],
    sandbox: sandboxPaths(pod, paths),
    privileges: { seccomp, hostDevices: devices },
    devices: granted.nodes,
    disk: context.node.disk,
    hugePages: context.node.hugePages,
    cgroupsPath,
    root,
    pidsLimit: context.config.pidsLimit,
    nodeMemoryBytes: context.node.memoryBytes,
    rootfsDir: await rootfsDir(pod, context),
    foreign: sandbox.handler !== undefined,
  });
  await mkdir(dirname(at.log), { recursive: true });
  await writeBundle(at.bundle, spec);
  const foreign = foreignRuntime(sandbox, root, context);
  return { dir: at.bundle, cgroupsPath, foreign };
}

/** A pod whose root is nobody outside cannot reach its bundle, which only the host's root may enter. */
async function rootfsDir(pod: Pod, { config }: NodeContext): Promise<string | undefined> {
  if (pod.spec.hostUsers !== false) return undefined;
  const dir = join(config.runDir, 'rootfs');
  await mkdir(dir, { recursive: true, mode: 0o755 });
  return dir;
}

function foreignRuntime(
  { handler: name }: SandboxRecord,
  root: ContainerRoot,
  { config }: NodeContext,
): PreparedBundle['foreign'] {
  if (name === undefined) return undefined;
  const binary = config.runtimeHandlers[name];
  const rootfs = root.kind === 'layers' ? root.layers : undefined;
  if (binary) return { runtime: { name, binary }, rootfs };
  throw new ContainerConfigError(
    `the runtime handler "${name}" is gone from the agent's --runtime-handler; add it again`,
  );
}
