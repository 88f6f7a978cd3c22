import { mkdir, readdir, rm, rmdir } from 'node:fs/promises';
import { join } from 'node:path';
import { unavailable } from '@gantry/base';
import type { UserRange } from '@gantry/runtime-client';
import { hostnameOf } from '../bundle/environment.js';
import { attachmentRequest } from '../network/attachment-request.js';
import { handlerOf } from '../runtime-handlers.js';
import { mountsBelow } from '../volumes/mount-table.js';
import { prepareVolumes, refreshVolumes, type VolumeContext } from '../volumes/volumes.js';
import { fieldContext } from './container-bundle.js';
import { writeEtcFiles } from './container-mounts.js';
import type { NodeContext } from './node-context.js';
import type { PodState } from './pod-state.js';
import type { SandboxRecord } from './record.js';
import { layersProgram } from '../snapshots/layers-program.js';
import { removeTree } from '../snapshots/remove-tree.js';

/** What surrounds a pod's containers: directories, volumes, namespaces and the address. */
export class PodSandbox {
  constructor(private readonly context: NodeContext) {}

  /** Brings all of it up and records it; idempotent, so that an attempt cut short is simply repeated. */
  async prepare(state: PodState): Promise<void> {
    const { record, pod, paths } = state;
    const lookup = this.context.resources(pod.metadata.namespace!);
    const handler = handlerOf(pod, lookup, this.context.config.runtimeHandlers);
    if (handler !== undefined && pod.spec.hostUsers === false) {
      const next = 'leave runtimeClassName out, or hostUsers';
      throw unavailable(`spec.hostUsers: false is served by our own runtime only; ${next}`);
    }
    await mkdir(paths.dir, { recursive: true, mode: 0o700 });
    // The address is not known yet: volumes that show it are refreshed below.
    await prepareVolumes(pod, this.volumeContext(state, []));
    const sandbox = await this.create(state);
    await writeEtcFiles(pod, paths, sandbox.ips, this.context.node.name);
    await refreshVolumes(pod, this.volumeContext(state, sandbox.ips));
    record.bootId = this.context.node.bootId;
    record.sandbox = { ...sandbox, ...(handler ? { handler } : {}) };
    await state.save();
  }

  private async create(state: PodState): Promise<SandboxRecord> {
    const { pod, paths } = state;
    const { hostNetwork = false } = pod.spec;
    const { runtime, network, node } = this.context;
    const request = attachmentRequest(pod);
    // Whatever an interrupted attempt left has an address nobody wrote down.
    await this.release(state);
    const sysctls = Object.fromEntries(
      (pod.spec.securityContext?.sysctls ?? []).map(({ name, value }) => [name, value]),
    );
    const hostname = hostnameOf({ pod, nodeName: node.name });
    await mkdir(paths.runDir, { recursive: true, mode: 0o700 });
    const sandbox = await runtime.createSandbox({
      dir: paths.sandbox,
      hostname,
      sysctls,
      hostNetwork,
      shareProcesses: pod.spec.shareProcessNamespace ?? false,
      userRange: await this.userRange(state),
    });
    if (hostNetwork) return { ips: [node.ip] };
    const result = await network.add(pod.metadata.uid!, sandbox.net!, request);
    const ips = result.ips.map(({ address }) => address.split('/')[0]!);
    if (ips.length === 0) throw unavailable('the network plugin gave the pod no address');
    return { ips, network: result };
  }

  /** The pod's own ids of the host; on disk before anything belongs to them. */
  private async userRange(state: PodState): Promise<UserRange | undefined> {
    const { pod, record } = state;
    if (pod.spec.hostUsers !== false) return undefined;
    record.userRange ??= this.context.userRanges.take(record.uid);
    await state.save();
    return record.userRange;
  }

  /** Brings changed ConfigMaps and Secrets into the volumes of a pod that runs. */
  async refresh(state: PodState): Promise<void> {
    if (!state.record.sandbox) return;
    await refreshVolumes(state.pod, this.volumeContext(state, state.record.sandbox.ips));
  }

  /** Gives back address, namespaces and memory; logs, records and volumes on disk stay. */
  async tearDown(state: PodState): Promise<void> {
    await this.release(state);
    await this.unmount(state.paths.runDir);
    await rm(state.paths.runDir, { recursive: true, force: true });
    state.record.sandbox = undefined;
    await state.save();
  }

  /** Leaves nothing of the pod on this host. */
  async remove(state: PodState): Promise<void> {
    const { paths, record } = state;
    for (const { current } of Object.values(record.containers)) {
      if (current) await this.context.runtime.delete(current.id, { force: true });
    }
    await this.release(state);
    for (const dir of [paths.runDir, paths.dir]) {
      await this.unmount(dir);
      await removeTree(layersProgram(this.context.config), dir);
    }
    await removeCgroups(paths.cgroup);
  }

  private async release(state: PodState): Promise<void> {
    const { paths, pod } = state;
    const { network, runtime } = this.context;
    if (!pod.spec.hostNetwork) {
      await network.remove(pod.metadata.uid!, join(paths.sandbox, 'net'));
    }
    await runtime.removeSandbox(paths.sandbox);
  }

  /** Removing a tree that still has a mount in it would empty whatever is mounted there. */
  private async unmount(dir: string): Promise<void> {
    for (const path of mountsBelow(dir)) {
      const result = await this.context.runtime.run(['/bin/umount', path]);
      if (result.exitCode !== 0) throw unavailable(`umount ${path}: ${result.stderr.trim()}`);
    }
    const left = mountsBelow(dir);
    if (left.length > 0) throw unavailable(`still mounted below ${dir}: ${left.join(', ')}`);
  }

  private volumeContext(state: PodState, ips: readonly string[]): VolumeContext {
    const { pod, paths } = state;
    return {
      paths,
      fields: fieldContext(pod, this.context, ips),
      lookup: this.context.resources(pod.metadata.namespace!),
      run: (argv) => this.context.runtime.run(argv),
    };
  }
}

const cgroupMount = '/sys/fs/cgroup';
/** Removes a pod's empty cgroup from every hierarchy that has it. */
export async function removeCgroups(cgroupsPath: string): Promise<void> {
  for (const hierarchy of ['', ...(await readdir(cgroupMount))]) {
    await removeEmptyGroups(join(cgroupMount, hierarchy, cgroupsPath));
  }
}

// A crash may have left groups below. One in which a process still lives stays, and with it its parents.
async function removeEmptyGroups(group: string): Promise<void> {
  const entries = await readdir(group, { withFileTypes: true }).catch(() => []);
  for (const entry of entries) {
    if (entry.isDirectory()) await removeEmptyGroups(join(group, entry.name));
  }
  await rmdir(group).catch(() => undefined);
}
