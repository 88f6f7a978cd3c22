import { chmod, mkdir, readFile, writeFile } from 'node:fs/promises';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { Container, Pod } from '@gantry/api';
import type { Mount } from '@gantry/runtime-client';
import { hostnameOf } from '../bundle/environment.js';
import { hostsFile, resolvConf } from '../bundle/etc-files.js';
import { idmapped } from '../volumes/idmap.js';
import type { AttemptPaths, PodPaths } from './paths.js';

const readHost = (path: string) => readFile(path, 'utf8').catch(() => '');

/** Writes the files that every container of the pod sees in its /etc. */
export async function writeEtcFiles(
  pod: Pod,
  paths: PodPaths,
  podIPs: readonly string[],
  nodeName: string,
): Promise<void> {
  await mkdir(paths.etc, { recursive: true });
  const files: Record<string, string> = {
    hosts: hostsFile(pod, podIPs, nodeName, await readHost('/etc/hosts')),
    'resolv.conf': resolvConf(pod, await readHost('/etc/resolv.conf')),
    hostname: `${hostnameOf({ pod, nodeName })}\n`,
  };
  for (const [name, text] of Object.entries(files)) {
    await writeFile(join(paths.etc, name), text, { mode: 0o644 });
    await chmod(join(paths.etc, name), 0o644);
  }
}

function bind(pod: Pod, source: string, destination: string): Mount {
  const options = ['bind', 'rw', 'rprivate', ...idmapped(pod)];
  return { source, destination, type: 'bind', options };
}

/** What the containers of the pod have at /dev/shm in common: its own, or the host's. */
function sharedMemory(pod: Pod, paths: PodPaths): Mount[] {
  const source = pod.spec.hostIPC ? '/dev/shm' : join(paths.sandbox, 'shm');
  // A sandbox that an earlier agent has made has none.
  if (!existsSync(source)) return [];
  const mount = bind(pod, source, '/dev/shm');
  return [{ ...mount, options: [...mount.options!, 'nosuid', 'noexec', 'nodev'] }];
}

/** The /etc files, the termination log and shared memory, as mounts; a volume at the same place takes precedence. */
export async function agentMounts(
  pod: Pod,
  container: Container,
  paths: PodPaths,
  attempt: AttemptPaths,
): Promise<Mount[]> {
  const taken = new Set(container.volumeMounts?.map((mount) => mount.mountPath));
  const mounts = ['hosts', 'resolv.conf', 'hostname'].map((name) =>
    bind(pod, join(paths.etc, name), `/etc/${name}`),
  );
  const terminationLog = container.terminationMessagePath || '/dev/termination-log';
  await mkdir(attempt.dir, { recursive: true });
  await writeFile(attempt.terminationLog, '');
  // Whoever the container runs as must be able to leave its last words.
  await chmod(attempt.terminationLog, 0o666);
  mounts.push(bind(pod, attempt.terminationLog, terminationLog), ...sharedMemory(pod, paths));
  return mounts.filter((mount) => !taken.has(mount.destination));
}
