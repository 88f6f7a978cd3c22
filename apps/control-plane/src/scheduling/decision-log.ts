import { appendFile, rename, rm, writeFile } from 'node:fs/promises';
import { describeError, timestamp, type Clock, type Logger } from '@gantry/base';
import {
  profiles,
  RecordingScheduler,
  RecordingSnapshot,
  type Operation,
  type Profile,
} from '@gantry/scheduler';

/** One file; the one before is kept beside it as FILE.1. */
const maxFileBytes = 64 * 2 ** 20;
/** What may wait to be written; beyond, the log has a gap and begins anew. */
const maxWaitingBytes = 16 * 2 ** 20;
const flushMs = 200;
/** How long after an error the next attempt to write is made. */
const retryMs = 5_000;

const nextStep =
  'it begins anew as soon as it can be written: see to the disk, or name another file with --decision-log';

export interface DecisionLogOptions {
  readonly file: string;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly profile?: Profile;
  readonly maxFileBytes?: number;
}

/**
 * Records one term's decisions and all that they were made on as lines of JSON, to be replayed. Each file
 * begins with the whole state, so each can be replayed by itself. Writing never holds the loop up.
 */
export class DecisionLog {
  readonly scheduler: RecordingScheduler;
  private readonly snapshot: RecordingSnapshot;
  private readonly profile: Profile;
  private waiting: string[] = [];
  private waitingBytes = 0;
  private fileBytes = 0;
  private beginsAnew = true;
  private lost = false;
  /** The last attempt to write failed, which is told once. */
  private failing = false;
  private closing = false;
  private writing: Promise<void> | undefined;
  private cancel = () => {};

  constructor(private readonly options: DecisionLogOptions) {
    this.profile = options.profile ?? profiles['bin-pack'];
    const record = (operation: Operation) => this.take(operation);
    this.snapshot = new RecordingSnapshot(record);
    this.scheduler = new RecordingScheduler(this.snapshot, record, this.profile);
    this.take(this.start());
  }

  /** Writes what still waits. */
  async close(): Promise<void> {
    this.closing = true;
    this.cancel();
    await this.writing;
    await this.write();
    this.closing = false;
  }

  private start(): Operation {
    const at = timestamp(this.options.clock.now());
    return { op: 'start', version: 1, profile: this.profile.name, at };
  }

  private take(operation: Operation): void {
    if (!this.lost) {
      const line = `${JSON.stringify(operation)}\n`;
      this.waiting.push(line);
      this.waitingBytes += line.length;
      if (this.waitingBytes > maxWaitingBytes) this.lose('the disk is too slow');
    }
    this.writing ??= this.later();
  }

  /** What waits is let go, and a new file begins with the state of then. */
  private lose(why?: string): void {
    const { file, logger } = this.options;
    if (why) logger.warn({ file }, `decision log: ${why}; ${nextStep}`);
    this.lost = true;
    this.waiting = [];
    this.waitingBytes = 0;
  }

  private async later(): Promise<void> {
    for (let waitMs = flushMs; !this.closing; waitMs = this.lost ? retryMs : flushMs) {
      await new Promise<void>((resolve) => {
        const stop = this.options.clock.after(waitMs, resolve);
        this.cancel = () => {
          stop();
          resolve();
        };
      });
      if (!this.closing) await this.write();
      if (this.waiting.length === 0 && !this.lost) break;
    }
    this.writing = undefined;
  }

  private async write(): Promise<void> {
    const limit = this.options.maxFileBytes ?? maxFileBytes;
    if (this.lost || this.fileBytes + this.waitingBytes > limit) this.beginAnew();
    const text = this.waiting.join('');
    const isNew = this.beginsAnew;
    this.waiting = [];
    this.waitingBytes = 0;
    this.beginsAnew = false;
    this.fileBytes = (isNew ? 0 : this.fileBytes) + text.length;
    const { file } = this.options;
    try {
      if (isNew) await this.rotate();
      await (isNew ? writeFile(file, text, { mode: 0o600 }) : appendFile(file, text));
      this.failing = false;
    } catch (error) {
      const isNews = !this.failing;
      this.failing = true;
      this.lose(isNews ? `it cannot be written: ${describeError(error)}` : undefined);
    }
  }

  /** The state takes the place of what waited, since it tells that already. */
  private beginAnew(): void {
    if (this.fileBytes === 0 && !this.lost) return;
    const operations = [this.start(), ...this.snapshot.state()];
    this.waiting = operations.map((operation) => `${JSON.stringify(operation)}\n`);
    this.beginsAnew = true;
    this.lost = false;
  }

  private async rotate(): Promise<void> {
    const { file } = this.options;
    await rm(`${file}.1`, { force: true });
    await rename(file, `${file}.1`).catch((error: NodeJS.ErrnoException) => {
      if (error.code !== 'ENOENT') throw error;
    });
  }
}
