import type { FileHandle } from 'node:fs/promises';
import { CommandError, UsageError } from '../usage-error.js';

type Receive = (sink: (chunk: Uint8Array) => Promise<void>) => Promise<void>;

/** Writes what `receive` brings to the file, which is there only when all has come; without one, to stdout. */
export async function writeArchive(file: string | undefined, receive: Receive): Promise<void> {
  if (file === undefined || file === '-') return toStdout(receive);
  const { open, rename, rm } = await import('node:fs/promises');
  const partial = `${file}.partial-${process.pid}`;
  let handle: FileHandle | undefined;
  try {
    const out = await open(partial, 'wx', 0o644);
    handle = out;
    await receive((chunk) => out.writeFile(chunk));
    await out.close();
    handle = undefined;
    await rename(partial, file);
  } catch (error) {
    await handle?.close();
    await rm(partial, { force: true });
    if ((error as NodeJS.ErrnoException).syscall === undefined) throw error;
    throw new CommandError(`cannot write ${file}: ${(error as Error).message}`);
  }
}

async function toStdout(receive: Receive): Promise<void> {
  if (process.stdout.isTTY) {
    throw new UsageError(
      'an archive is nothing for a terminal; name a file with --file, or use a pipe',
    );
  }
  await receive(
    (chunk) =>
      new Promise((resolve, reject) => {
        process.stdout.write(chunk, (error) => (error ? reject(error) : resolve()));
      }),
  );
}
