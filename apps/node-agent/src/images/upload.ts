import { randomUUID } from 'node:crypto';
import { mkdir, open, rm, type FileHandle } from 'node:fs/promises';
import { join } from 'node:path';
import { ImageError } from '@gantry/image';
import { diskSpace } from '../node/host.js';

/** Archives that may arrive at once; each waits on the disk until it has come whole. */
const maxUploads = 4;
/** What an upload leaves free on the disk, and how often that is looked at, in bytes. */
const freeBytes = 256 * 2 ** 20;
const checkedBytes = 64 * 2 ** 20;
/** Most bytes of credentials. */
const maxCredentialBytes = 256 * 1024;

/** Takes archives that clients send, as files that are gone when they have been used. */
export class Uploads {
  private active = 0;

  constructor(private readonly dir: string) {}

  /** Removes what an agent that was killed has left. */
  async open(): Promise<void> {
    await rm(this.dir, { recursive: true, force: true });
    await mkdir(this.dir, { recursive: true, mode: 0o700 });
  }

  /** Writes the input to a file and hands its path to `use`; the file goes whatever happens. */
  async receive<T>(input: AsyncIterable<Buffer>, use: (path: string) => Promise<T>): Promise<T> {
    if (this.active >= maxUploads) {
      const hint = 'wait until one of them has ended';
      throw new ImageError('rate-limited', `${maxUploads} archives are arriving already; ${hint}`);
    }
    this.active += 1;
    const path = join(this.dir, `${randomUUID()}.tar`);
    try {
      const file = await open(path, 'wx', 0o600);
      try {
        await this.write(input, file);
      } finally {
        await file.close();
      }
      return await use(path);
    } finally {
      this.active -= 1;
      await rm(path, { force: true });
    }
  }

  private async write(input: AsyncIterable<Buffer>, file: FileHandle): Promise<void> {
    let sinceCheck = checkedBytes;
    for await (const chunk of input) {
      sinceCheck += chunk.length;
      if (sinceCheck >= checkedBytes) {
        sinceCheck = 0;
        await this.checkSpace();
      }
      await file.writeFile(chunk);
    }
  }

  private async checkSpace(): Promise<void> {
    const { availableBytes } = await diskSpace(this.dir);
    if (availableBytes >= freeBytes) return;
    const left = `${Math.floor(availableBytes / 2 ** 20)} MiB are free`;
    const hint = 'free space or run gantry image prune';
    throw new ImageError('disk-full', `no room for the archive on this node: ${left}; ${hint}`);
  }
}

/** The whole input as text, for credentials. */
export async function smallInput(input: AsyncIterable<Buffer>): Promise<string> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of input) {
    size += chunk.length;
    if (size > maxCredentialBytes) {
      throw new ImageError('unauthorized', 'the credentials are too long; send a config.json');
    }
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}
