import { describeError, type Logger } from '@gantry/base';
import { hexOf } from '../manifest.js';
import { LayerProcess } from '../pull/layer-process.js';
import { storeError } from './files.js';

export interface MaintenanceOptions {
  readonly dir: string;
  readonly layersBinary: string;
  readonly logger: Logger;
}

/** How long new content may wait to be brought onto the disk, so that several pulls cost one sync. */
const syncDelayMs = 1_000;

/** The store's chores, done by gantry-layers: names in layers may be anything, and trees are removed fast there. */
export class Maintenance {
  private timer?: NodeJS.Timeout;
  private running: Promise<void> = Promise.resolve();

  constructor(private readonly options: MaintenanceOptions) {}

  /** Clears the trash, what dead processes left, and what a power failure may have damaged. */
  async sweep(): Promise<void> {
    await this.run('sweep');
  }

  /** Makes the image's own layer on top, when its layers need one; returns its name. */
  async compose(diffIds: readonly string[]): Promise<string | undefined> {
    const layers = diffIds.map((diffId) => hexOf(diffId)).join(',');
    const output = await this.run('compose', ['--layers', layers]);
    return (JSON.parse(output) as { fixup: string | null }).fixup ?? undefined;
  }

  /** Mounts those of the layers that are image files. */
  async mount(diffIds: readonly string[]): Promise<void> {
    await this.run('mount', ['--layers', diffIds.map((diffId) => hexOf(diffId)).join(',')]);
  }

  /** Makes what was pulled survive a power failure; until then it counts as lost after one. */
  syncSoon(): void {
    this.timer ??= setTimeout(() => {
      this.timer = undefined;
      this.running = this.sync();
    }, syncDelayMs).unref();
  }

  async close(): Promise<void> {
    const pending = this.timer !== undefined;
    clearTimeout(this.timer);
    this.timer = undefined;
    await this.running;
    if (pending) await this.sync();
  }

  private async sync(): Promise<void> {
    try {
      await this.run('sync');
    } catch (error) {
      this.options.logger.warn({ err: describeError(error) }, 'could not sync the image store');
    }
  }

  private async run(command: string, args: readonly string[] = []): Promise<string> {
    const { layersBinary, dir } = this.options;
    try {
      return await new LayerProcess(layersBinary, [command, '--store', dir, ...args]).result();
    } catch (cause) {
      throw storeError(command, cause);
    }
  }
}
