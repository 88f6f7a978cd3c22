import { existsSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { startContainerd } from '../../engines/containerd.ts';
import { startDocker } from '../../engines/docker.ts';
import type { Engine } from '../../engines/engine.ts';
import { startPodman } from '../../engines/podman.ts';

/** Whether the program is installed where root looks for programs. */
export function installed(program: string): boolean {
  const path = (process.env.PATH ?? '').split(delimiter);
  return [...path, '/usr/sbin', '/sbin'].some((dir) => existsSync(join(dir, program)));
}

/** The runtime that engines drive when they are peers: the one that each of them has by default or knows. */
export const engineRuntime = '/usr/sbin/runc';

interface Peer {
  readonly name: string;
  readonly programs: readonly string[];
  readonly start: (ours: string) => Promise<Engine>;
}

const peers: readonly Peer[] = [
  // podman packs the image that containerd is given.
  { name: 'ctr', programs: ['containerd', 'ctr', 'podman', 'runc'], start: startContainerd },
  { name: 'podman', programs: ['podman', 'conmon', 'runc'], start: startPodman },
  { name: 'docker', programs: ['dockerd', 'docker', 'runc'], start: startDocker },
];

/** Engines of their own daemons and storage, by the peer's name, and the peers that are not installed. */
export async function startEngines(
  ours: string,
): Promise<{ engines: Map<string, Engine>; missing: string[] }> {
  const engines = new Map<string, Engine>();
  const missing: string[] = [];
  for (const { name, programs, start } of peers) {
    if (programs.every(installed)) engines.set(name, await start(ours));
    else missing.push(name);
  }
  return { engines, missing };
}
