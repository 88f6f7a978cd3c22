import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { Logger } from '@gantry/base';
import { RuntimeClient } from '@gantry/runtime-client';
import type { AgentConfig } from './config.js';
import { PodNetwork } from './network/pod-network.js';
import type { StoredNode } from './node/registration.js';
import { OrphanSweep } from './pods/orphans.js';
import { podRunDir, podsDir } from './pods/paths.js';
import { removeCgroups } from './pods/pod-sandbox.js';
import { readJson } from './pods/record.js';
import { layersProgram, runLayers } from './snapshots/layers-program.js';
import { mountsBelow } from './volumes/mount-table.js';

/**
 * Removes every pod of this node with its namespaces, mounts, addresses and cgroups, the pod network, and at last
 * the launcher and the mounts of image layers. For uninstalling: the agent must not run. Images and certificates stay. Idempotent; rejects with
 * what is left when something could not be removed.
 */
export async function teardown(config: AgentConfig, logger: Logger): Promise<void> {
  const { nativeDir, runDir, dataDir, bridge, cgroupRoot, foreignNetwork: foreign } = config;
  if (!existsSync(runDir) && !existsSync(podsDir(config))) return;
  const runtime = await RuntimeClient.connect({ nativeDir, runDir, logger });
  const network = new PodNetwork({ runtime, nativeDir, dataDir, bridge, foreign });
  const stored = await readJson<StoredNode>(join(dataDir, 'node.json'));
  if (stored) network.assign(stored);
  await new OrphanSweep({ config, runtime, network, logger }).sweep([]);
  const left = [...mountsBelow(podRunDir(config)), ...mountsBelow(podsDir(config))];
  const containers = (await runtime.list()).map(({ containerId }) => `container ${containerId}`);
  if (left.length + containers.length > 0) {
    throw new Error(`could not remove: ${[...containers, ...left].join(', ')}`);
  }
  if (stored) await network.teardown();
  await runtime.shutdown();
  await removeCgroups(cgroupRoot);
  const store = join(dataDir, 'images');
  // Layers that are image files stay mounted for as long as the host may start containers from them.
  if (existsSync(store)) await runLayers(layersProgram(config), ['unmount', '--store', store]);
}
