import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { silentLogger } from '@gantry/base';
import { RuntimeClient } from '@gantry/runtime-client';
import { removeGroup } from '../../cluster/cgroups.ts';
import type { Engine } from '../../engines/engine.ts';
import { writeBundle } from '../container-start/bundle.ts';
import { engineRuntime } from '../peers/engines.ts';
import { processesOf } from './keepers.ts';

/** What keeps containers, one by one. */
export interface Contender {
  readonly name: string;
  /** Resolves when the container runs. */
  start(container: string): Promise<void>;
  remove(container: string): Promise<void>;
  /** The processes that live beside the containers, one for each or more; not the containers themselves. */
  keepers(): Promise<Iterable<number>>;
  close(): Promise<void>;
}

const idle = ['sleep', '1000000'];

/** What an engine leaves beside each container. */
export const keeperNames: Readonly<Record<string, string>> = {
  podman: 'conmon',
  ctr: 'containerd-shim',
};

/** Ours: the launcher and a monitor for each container, driven as an agent drives them. */
export async function ours(nativeDir: string, directory: string, root: string): Promise<Contender> {
  const runDir = join(directory, 'run');
  const group = `gantry-density-${process.pid}`;
  mkdirSync(runDir);
  const client = await RuntimeClient.connect({ nativeDir, runDir, logger: silentLogger });
  return {
    name: 'gantry',
    async start(containerId) {
      const cgroupsPath = `/${group}/${containerId}`;
      const bundle = { root, overlay: true, cgroup: cgroupsPath, args: idle };
      const bundleDir = writeBundle(join(directory, containerId), bundle);
      const logPath = join(directory, `${containerId}.log`);
      await client.createContainer({ containerId, bundleDir, cgroupsPath, logPath });
      await client.start(containerId);
    },
    async remove(containerId) {
      await client.kill(containerId, 'SIGKILL');
      await client.delete(containerId, { force: true });
    },
    async keepers() {
      return (await client.list()).map(({ monitorPid }) => monitorPid);
    },
    async close() {
      for (const { containerId } of await client.list()) {
        await client.delete(containerId, { force: true });
      }
      await client.shutdown();
      removeGroup(group);
    },
  };
}

/** Containers without a network, as ours have none in this bench. */
export function byEngine(name: string, engine: Engine): Contender {
  const command = keeperNames[name];
  const others = command ? processesOf(command) : new Set();
  return {
    name,
    start: (container) => engine.startDetached(engineRuntime, { name: container, command: idle }),
    remove: (container) => engine.killAndRemove(engineRuntime, container),
    keepers: async () =>
      command ? [...processesOf(command)].filter((pid) => !others.has(pid)) : [],
    close: () => engine.close(),
  };
}
