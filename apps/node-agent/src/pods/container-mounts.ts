import { chmod, mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Container, Pod } from '@gantry/api';
import type { Mount } from '@gantry/runtime-client';
import { hostnameOf } from '../bundle/environment.js';
import { hostsFile, resolvConf } from '../bundle/etc-files.js';
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

function bind(source: string, destination: string): Mount {
  return { source, destination, type: 'bind', options: ['bind', 'rw', 'rprivate'] };
}

/** The /etc files and the termination log, as mounts; a volume at the same place takes precedence. */
export async function agentMounts(
  container: Container,
  paths: PodPaths,
  attempt: AttemptPaths,
): Promise<Mount[]> {
  const taken = new Set(container.volumeMounts?.map((mount) => mount.mountPath));
  const mounts = ['hosts', 'resolv.conf', 'hostname'].map((name) =>
    bind(join(paths.etc, name), `/etc/${name}`),
  );
  const terminationLog = container.terminationMessagePath || '/dev/termination-log';
  await mkdir(attempt.dir, { recursive: true });
  await writeFile(attempt.terminationLog, '');
  // Whoever the container runs as must be able to leave its last words.
  await chmod(attempt.terminationLog, 0o666);
  mounts.push(bind(attempt.terminationLog, terminationLog));
  return mounts.filter((mount) => !taken.has(mount.destination));
}
