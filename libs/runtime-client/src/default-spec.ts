import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { GantryError } from '@gantry/base';
import type { Mount, Seccomp, Spec } from './oci-spec.js';

export interface DefaultSpecOptions {
  /** From `loadDefaultSeccomp`; without it the container is not filtered (Unconfined). */
  readonly seccomp?: Seccomp;
}

/**
 * Docker's default set without NET_RAW (spoofing on the bridge), MKNOD and AUDIT_WRITE, which
 * almost nothing needs; a pod can ask for them.
 */
export const defaultCapabilities: readonly string[] = [
  'CAP_CHOWN',
  'CAP_DAC_OVERRIDE',
  'CAP_FOWNER',
  'CAP_FSETID',
  'CAP_KILL',
  'CAP_NET_BIND_SERVICE',
  'CAP_SETFCAP',
  'CAP_SETGID',
  'CAP_SETPCAP',
  'CAP_SETUID',
  'CAP_SYS_CHROOT',
];

const maskedPaths = [
  '/proc/acpi',
  '/proc/asound',
  '/proc/interrupts',
  '/proc/kcore',
  '/proc/keys',
  '/proc/latency_stats',
  '/proc/sched_debug',
  '/proc/scsi',
  '/proc/timer_list',
  '/proc/timer_stats',
  '/sys/devices/virtual/powercap',
  '/sys/firmware',
];

const readonlyPaths = ['/proc/bus', '/proc/fs', '/proc/irq', '/proc/sys', '/proc/sysrq-trigger'];

const mounts: readonly Mount[] = [
  mount('/proc', 'proc', ['nosuid', 'noexec', 'nodev'], 'proc'),
  mount('/dev', 'tmpfs', ['nosuid', 'strictatime', 'mode=755', 'size=65536k'], 'tmpfs'),
  mount(
    '/dev/pts',
    'devpts',
    ['nosuid', 'noexec', 'newinstance', 'ptmxmode=0666', 'mode=0620', 'gid=5'],
    'devpts',
  ),
  mount('/dev/mqueue', 'mqueue', ['nosuid', 'noexec', 'nodev'], 'mqueue'),
  mount('/dev/shm', 'tmpfs', ['nosuid', 'noexec', 'nodev', 'mode=1777', 'size=65536k'], 'shm'),
  mount('/sys', 'sysfs', ['nosuid', 'noexec', 'nodev', 'ro'], 'sysfs'),
  mount('/sys/fs/cgroup', 'cgroup', ['nosuid', 'noexec', 'nodev', 'relatime', 'ro'], 'cgroup'),
];

function mount(destination: string, type: string, options: string[], source: string): Mount {
  return { destination, type, source, options };
}

/** Every device is denied but those that any program expects to have. */
const deviceRules = [
  { allow: false, access: 'rwm' },
  ...[
    [1, 3],
    [1, 5],
    [1, 7],
    [1, 8],
    [1, 9],
    [5, 0],
    [5, 2],
  ].map(([major, minor]) => ({ allow: true, type: 'c', major, minor, access: 'rwm' })),
  { allow: true, type: 'c', major: 136, access: 'rwm' },
];

/**
 * A spec that is as strict as Docker's defaults or stricter: capabilities, masked and read-only
 * paths, mounts, devices, no_new_privs, all namespaces new. A fresh object each time, for the
 * caller to fill in; it runs /bin/sh until told otherwise.
 */
export function defaultSpec(options: DefaultSpecOptions = {}): Spec {
  const capabilities = () => [...defaultCapabilities];
  return structuredClone({
    ociVersion: '1.2.0',
    process: {
      user: { uid: 0, gid: 0 },
      args: ['/bin/sh'],
      env: ['PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin'],
      cwd: '/',
      capabilities: {
        bounding: capabilities(),
        effective: capabilities(),
        permitted: capabilities(),
      },
      noNewPrivileges: true,
    },
    root: { path: 'rootfs' },
    mounts: [...mounts],
    linux: {
      namespaces: [
        { type: 'pid' },
        { type: 'mount' },
        { type: 'network' },
        { type: 'ipc' },
        { type: 'uts' },
        { type: 'cgroup' },
      ],
      resources: { devices: deviceRules },
      maskedPaths,
      readonlyPaths,
      ...(options.seccomp ? { seccomp: options.seccomp } : {}),
    },
  } satisfies Spec);
}

/** The default seccomp profile that is installed beside the native binaries. */
export async function loadDefaultSeccomp(nativeDir: string): Promise<Seccomp> {
  // In a checkout the binaries are in native/target/PROFILE and the profile is with its crate.
  const places = [
    join(nativeDir, 'default-seccomp.json'),
    join(nativeDir, '../../crates/runtime/default-seccomp.json'),
  ];
  for (const path of places) {
    const text = await readFile(path, 'utf8').catch((error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT') return undefined;
      throw error;
    });
    if (text !== undefined) return parseSeccomp(path, text);
  }
  const message = `load default seccomp profile: ${places[0]} is missing; reinstall Gantry`;
  throw new GantryError('NotFound', message);
}

function parseSeccomp(path: string, text: string): Seccomp {
  const profile: unknown = JSON.parse(text);
  const isProfile =
    typeof profile === 'object' &&
    profile !== null &&
    typeof (profile as Seccomp).defaultAction === 'string' &&
    Array.isArray((profile as Seccomp).syscalls);
  if (isProfile) return profile as Seccomp;
  throw new GantryError('InternalError', `load default seccomp profile: ${path} is not a profile`);
}
