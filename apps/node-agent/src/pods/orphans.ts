import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { describeError } from '@gantry/base';
import { mountsBelow } from '../volumes/mount-table.js';
import type { NodeContext } from './node-context.js';
import { isPodUid, podPaths, podRunDir, podsDir } from './paths.js';
import { removeCgroups } from './pod-sandbox.js';
import type { PodState } from './pod-state.js';
import { layersProgram } from '../snapshots/layers-program.js';
import { removeTree } from '../snapshots/remove-tree.js';

const list = (dir: string) => readdir(dir).catch(() => [] as string[]);

/** Removes what no pod of this node owns: containers, namespaces, mounts, addresses, directories, cgroups. */
export class OrphanSweep {
  constructor(
    private readonly context: Pick<NodeContext, 'config' | 'runtime' | 'network' | 'logger'>,
  ) {}

  /** Goes on after a fault and logs it; what could not be removed is found again at the next start. */
  async sweep(states: readonly PodState[]): Promise<void> {
    const uids = new Set(states.map((state) => state.record.uid));
    await this.attempt('containers', () => this.containers(states));
    const strayDirs = new Set([
      ...(await list(podRunDir(this.context.config))),
      ...(await list(podsDir(this.context.config))),
    ]);
    for (const uid of strayDirs) {
      if (isPodUid(uid) && !uids.has(uid)) await this.attempt(uid, () => this.pod(uid));
    }
    await this.attempt('addresses', () => this.addresses(states));
    await this.attempt('cgroups', () => this.cgroups(uids));
  }

  private async attempt(what: string, step: () => Promise<void>): Promise<void> {
    try {
      await step();
    } catch (error) {
      this.context.logger.warn(
        { what, err: describeError(error) },
        'could not remove what is left over',
      );
    }
  }

  private async containers(states: readonly PodState[]): Promise<void> {
    const owned = new Set<string>();
    for (const { record } of states) {
      for (const { current } of Object.values(record.containers))
        if (current) owned.add(current.id);
    }
    for (const { containerId } of await this.context.runtime.list()) {
      if (owned.has(containerId)) continue;
      this.context.logger.info({ containerId }, 'removing a container that belongs to no pod');
      await this.context.runtime.delete(containerId, { force: true });
    }
  }

  private async pod(uid: string): Promise<void> {
    const paths = podPaths(this.context.config, uid);
    this.context.logger.info({ uid }, 'removing what is left of a pod that is not here any more');
    await this.context.network.remove(uid, join(paths.sandbox, 'net'));
    await this.context.runtime.removeSandbox(paths.sandbox);
    for (const dir of [paths.runDir, paths.dir]) {
      for (const mount of mountsBelow(dir)) await this.context.runtime.run(['/bin/umount', mount]);
      if (mountsBelow(dir).length > 0) throw new Error(`still mounted below ${dir}`);
      await removeTree(layersProgram(this.context.config), dir);
    }
  }

  private async addresses(states: readonly PodState[]): Promise<void> {
    const held = states.filter((state) => state.record.sandbox && !state.pod.spec.hostNetwork);
    await this.context.network.collect(
      held.map((state) => ({ uid: state.record.uid, netns: join(state.paths.sandbox, 'net') })),
    );
  }

  private async cgroups(uids: ReadonlySet<string>): Promise<void> {
    const { cgroupRoot } = this.context.config;
    for (const hierarchy of ['', ...(await list('/sys/fs/cgroup'))]) {
      for (const name of await list(join('/sys/fs/cgroup', hierarchy, cgroupRoot))) {
        if (isPodUid(name) && !uids.has(name)) await removeCgroups(`${cgroupRoot}/${name}`);
      }
    }
  }
}
