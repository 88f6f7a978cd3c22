import { randomUUID } from 'node:crypto';
import { mkdir, open, rename, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { ImageError } from '../errors.js';

/** Writes a file so that a crash at any moment leaves either the old or the new content, on the disk. */
export async function writeDurably(path: string, content: Uint8Array | string): Promise<void> {
  const temporary = join(dirname(path), `.tmp-${randomUUID()}`);
  try {
    const file = await open(temporary, 'wx', 0o600);
    try {
      await file.writeFile(content);
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(temporary, path);
    await syncDirectory(dirname(path));
  } catch (cause) {
    await rm(temporary, { force: true });
    throw storeError(`write ${path}`, cause);
  }
}

async function syncDirectory(path: string): Promise<void> {
  const directory = await open(path, 'r');
  try {
    await directory.sync();
  } finally {
    await directory.close();
  }
}

export async function makeDirectory(path: string): Promise<void> {
  await mkdir(path, { recursive: true, mode: 0o700 });
}

export function hasErrno(error: unknown, ...codes: string[]): boolean {
  return codes.includes((error as NodeJS.ErrnoException | undefined)?.code ?? '');
}

/** A failure of the store's own file system; a full disk gets its own code and a next step. */
export function storeError(step: string, cause: unknown): ImageError {
  if (cause instanceof ImageError) return cause;
  if (hasErrno(cause, 'ENOSPC', 'EDQUOT')) return diskFull(step, cause);
  return new ImageError('internal', `image store: ${step} failed`, { cause });
}

export function diskFull(step: string, cause?: unknown): ImageError {
  const hint = 'free space on the image file system or remove unused images';
  return new ImageError('disk-full', `no space left on the device: ${step}; ${hint}`, { cause });
}
