import { join } from 'node:path';
import { runPaths } from './launcher-process.js';
import type { MonitoredContainer } from './messages.js';
import type { ForeignRuntime, RuntimeClientOptions } from './options.js';

/** An OCI runtime's binary and its state directory, as requests to the launcher name them. */
export interface RuntimeCall {
  readonly runtime: string;
  readonly runtimeRoot: string;
}

/** Which OCI runtime each container was given to. What this process did not make, the launcher knows. */
export class ContainerRuntimes {
  private readonly known = new Map<string, RuntimeCall>();

  constructor(
    private readonly options: Pick<RuntimeClientOptions, 'nativeDir' | 'runDir'>,
    private readonly find: (containerId: string) => Promise<MonitoredContainer | undefined>,
  ) {}

  /** Notes the runtime of a container that is about to be created. */
  choose(containerId: string, foreign: ForeignRuntime | undefined): RuntimeCall {
    const call = foreign ? this.foreign(foreign) : this.own;
    this.known.set(containerId, call);
    return call;
  }

  /** Ours for a container that nobody knows. */
  async of(containerId: string): Promise<RuntimeCall> {
    const known = this.known.get(containerId);
    if (known) return known;
    const found = await this.find(containerId);
    const { runtime, runtimeRoot } = found ?? {};
    if (!runtime || !runtimeRoot) return this.own;
    this.known.set(containerId, { runtime, runtimeRoot });
    return { runtime, runtimeRoot };
  }

  forget(containerId: string): void {
    this.known.delete(containerId);
  }

  private get own(): RuntimeCall {
    const { nativeDir, runDir } = this.options;
    return {
      runtime: join(nativeDir, 'gantry-runtime'),
      runtimeRoot: runPaths(runDir).runtimeRoot,
    };
  }

  private foreign({ name, binary }: ForeignRuntime): RuntimeCall {
    const { foreignRoots } = runPaths(this.options.runDir);
    return { runtime: binary, runtimeRoot: join(foreignRoots, name) };
  }
}
