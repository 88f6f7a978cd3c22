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
  private writing: Promise<void> | undefined;

  constructor(private readonly options: DecisionLogOptions) {
    this.profile = options.profile ?? profiles['bin-pack'];
    const record = (operation: Operation) => this.take(operation);
    this.snapshot = new RecordingSnapshot(record);
    this.scheduler = new RecordingScheduler(this.snapshot, record, this.profile);
    this.take(this.start());
  }

  /** Writes what still waits. */
  async close(): Promise<void> {
    await this.writing;
    await this.write();
  }

  private start(): Operation {
    const at = timestamp(this.options.clock.now());
    return { op: 'start', version: 1, profile: this.profile.name, at };
  }

  private take(operation: Operation): void {
    if (this.lost) return;
    const line = `${JSON.stringify(operation)}\n`;
    this.waiting.push(line);
    this.waitingBytes += line.length;
    if (this.waitingBytes > maxWaitingBytes) this.lose();
    this.writing ??= this.later();
  }

  /** The disk is too slow: what waits is let go, and a new file begins with the state of then. */
  private lose(): void {
    this.lost = true;
    this.options.logger.warn({}, 'decision log: the disk is too slow; it begins anew');
    this.waiting = [];
    this.waitingBytes = 0;
  }

  private async later(): Promise<void> {
    await new Promise<void>((resolve) => {
      this.options.clock.after(flushMs, resolve);
    });
    await this.write();
    this.writing = undefined;
    if (this.waiting.length > 0) this.writing = this.later();
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
    const { file, logger } = this.options;
    try {
      if (isNew) await this.rotate();
      await (isNew ? writeFile(file, text, { mode: 0o600 }) : appendFile(file, text));
    } catch (error) {
      logger.warn({ file }, `write the decision log: ${describeError(error)}`);
      this.lost = true;
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
