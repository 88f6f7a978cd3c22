import { delay, describeError, systemClock, type Logger } from '@gantry/base';
import type { GarbageReport, ImageStore } from '@gantry/image';
import type { ImageGarbageConfig } from '../config.js';
import { diskSpace } from '../node/host.js';
import type { NodeEventSink } from '../pods/node-context.js';

export interface ImageCollectorOptions extends ImageGarbageConfig {
  readonly images: Pick<ImageStore, 'collectGarbage'>;
  /** Lies on the file system that images fill. */
  readonly dir: string;
  /** Names and digests of images that must stay, as of the call. */
  readonly inUse: () => ReadonlySet<string>;
  readonly events: NodeEventSink;
  readonly logger: Logger;
}

/** More images than this are counted in an event instead of named. */
const maxNamedImages = 10;

const mebibytes = (bytes: number) => `${(bytes / 2 ** 20).toFixed(1)} MiB`;

function describe({ images, freedBytes }: GarbageReport): string {
  const names = images.slice(0, maxNamedImages).join(', ');
  const more = images.length > maxNamedImages ? ` and ${images.length - maxNamedImages} more` : '';
  const what = images.length > 0 ? `: ${names}${more}` : '';
  return `Removed ${images.length} unused images (${mebibytes(freedBytes)})${what}`;
}

/** The set as it is whenever it is asked: pods come and go while content is being walked. */
function live(current: () => ReadonlySet<string>): ReadonlySet<string> {
  let known: ReadonlySet<string> | undefined;
  const has = (key: string) => {
    if (known) return known.has(key);
    known = current();
    // Nothing changes within one turn of the event loop.
    setImmediate(() => (known = undefined));
    return known.has(key);
  };
  return { has } as ReadonlySet<string>;
}

/** Keeps images from filling the disk: removes unused ones, least recently used first. */
export class ImageCollector {
  private wasShort = false;

  constructor(private readonly options: ImageCollectorOptions) {}

  /** Looks at the disk once per period until the signal aborts; never throws. */
  async run(signal: AbortSignal): Promise<void> {
    const { highPercent, periodSeconds, logger } = this.options;
    if (highPercent >= 100) return;
    while (!signal.aborted) {
      await this.collect().catch((error: unknown) => {
        logger.warn({ err: describeError(error) }, 'could not collect image garbage; trying again');
      });
      await delay(systemClock, periodSeconds * 1000, signal).catch(() => undefined);
    }
  }

  /** One look; collects when the disk is used above the threshold. */
  async collect(): Promise<GarbageReport | undefined> {
    const { highPercent, lowPercent, minimumAgeSeconds, images, inUse, events } = this.options;
    const before = await this.usedPercent();
    if (before < highPercent) {
      this.wasShort = false;
      return undefined;
    }
    const minimumAgeMs = minimumAgeSeconds * 1000;
    const policy = { highPercent, lowPercent, minimumAgeMs };
    const report = await images.collectGarbage(live(inUse), policy);
    if (report.freedBytes > 0 || report.images.length > 0) {
      const message = describe(report);
      events.emitForNode({ type: 'Normal', reason: 'ImageGarbageCollected', message });
    }
    await this.checkShortage();
    return report;
  }

  private async checkShortage(): Promise<void> {
    const { highPercent, events, logger } = this.options;
    const usedPercent = await this.usedPercent();
    const isShort = usedPercent >= highPercent;
    if (isShort && !this.wasShort) {
      const used = `${usedPercent.toFixed(0)} % of the disk are used`;
      const message = `${used}, and no further image can be removed; free space or enlarge it`;
      events.emitForNode({ type: 'Warning', reason: 'FreeDiskSpaceFailed', message });
      logger.warn({ usedPercent, highPercent }, 'the disk stays above its threshold');
    }
    this.wasShort = isShort;
  }

  private async usedPercent(): Promise<number> {
    const { totalBytes, availableBytes } = await diskSpace(this.options.dir);
    return totalBytes > 0 ? 100 - (availableBytes / totalBytes) * 100 : 0;
  }
}
