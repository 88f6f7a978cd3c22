import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

const profile = join(import.meta.dirname, '../../../native/crates/runtime/default-seccomp.json');

export interface BundleOptions {
  /** The image's files. */
  readonly root: string;
  /** By our annotations an overlay over `root`, else `root` itself. */
  readonly overlay: boolean;
  readonly cgroup: string;
  /** Default: a program that ends at once. */
  readonly args?: readonly string[];
}

const words = (text: string): string[] => text.split(' ');

const capabilities = words(
  'CHOWN DAC_OVERRIDE FOWNER FSETID KILL SETGID SETUID SETPCAP NET_BIND_SERVICE SYS_CHROOT SETFCAP',
).map((name) => `CAP_${name}`);

const maskedPaths = words(
  '/proc/acpi /proc/kcore /proc/keys /proc/latency_stats /proc/timer_list /proc/sched_debug /sys/firmware',
);
const readonlyPaths = words('/proc/bus /proc/fs /proc/irq /proc/sys /proc/sysrq-trigger');

const mount = (destination: string, type: string, options: string): object => ({
  destination,
  type,
  source: type,
  options: words(options),
});

const mounts = [
  mount('/proc', 'proc', 'nosuid noexec nodev'),
  mount('/dev', 'tmpfs', 'nosuid strictatime mode=755 size=65536k'),
  mount('/dev/pts', 'devpts', 'nosuid noexec newinstance ptmxmode=0666 mode=0620 gid=5'),
  mount('/dev/shm', 'tmpfs', 'nosuid noexec nodev mode=1777 size=65536k'),
  mount('/dev/mqueue', 'mqueue', 'nosuid noexec nodev'),
  mount('/sys', 'sysfs', 'nosuid noexec nodev ro'),
];

function annotations({ root, overlay }: BundleOptions, directory: string): object {
  if (!overlay) return {};
  return {
    'dev.gantry.rootfs.lower': root,
    'dev.gantry.rootfs.upper': join(directory, 'upper'),
    'dev.gantry.rootfs.work': join(directory, 'work'),
  };
}

/** Writes a bundle as a default container of ours has it, and returns its directory. */
export function writeBundle(directory: string, options: BundleOptions): string {
  for (const sub of ['upper', 'work', 'rootfs'])
    mkdirSync(join(directory, sub), { recursive: true });
  const sets = ['bounding', 'effective', 'permitted'].map((set) => [set, capabilities]);
  const config = {
    ociVersion: '1.0.2',
    root: { path: options.overlay ? 'rootfs' : options.root },
    hostname: 'bench',
    mounts,
    annotations: annotations(options, directory),
    process: {
      args: options.args ?? ['/bin/noop'],
      cwd: '/',
      env: ['PATH=/bin'],
      user: { uid: 0, gid: 0 },
      noNewPrivileges: true,
      capabilities: Object.fromEntries(sets),
    },
    linux: {
      namespaces: ['pid', 'network', 'ipc', 'uts', 'mount', 'cgroup'].map((type) => ({ type })),
      cgroupsPath: options.cgroup,
      resources: {
        devices: [{ allow: false, access: 'rwm' }],
        cpu: { quota: 100_000, period: 100_000, shares: 512 },
        memory: { limit: 256 << 20 },
        pids: { limit: 512 },
      },
      maskedPaths,
      readonlyPaths,
      seccomp: JSON.parse(readFileSync(profile, 'utf8')) as object,
    },
  };
  writeFileSync(join(directory, 'config.json'), JSON.stringify(config));
  return directory;
}
