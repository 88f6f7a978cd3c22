import { chmod, link, open, readFile, rename, rm, writeFile } from 'node:fs/promises';

/** The file's text, or undefined when there is none. */
export async function readOr(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw new Error(`read ${path}: ${(error as Error).message}`, { cause: error });
  }
}

/** Replaces a file as a whole; readable by its owner only. */
export async function writeAtomically(path: string, text: string): Promise<void> {
  const temporary = await writeBeside(path, text);
  await rename(temporary, path);
}

/** The file's text; when there is none, makes it. Of two who make it at once, one wins for both. */
export async function readOrCreate(path: string, make: () => Promise<string>): Promise<string> {
  const found = await readOr(path);
  if (found !== undefined) return found;
  const text = await make();
  const temporary = await writeBeside(path, text);
  try {
    // A link fails where a rename would silently replace what the other has just handed out.
    await link(temporary, path);
    return text;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    return await readFile(path, 'utf8');
  } finally {
    await rm(temporary, { force: true });
  }
}

async function writeBeside(path: string, text: string): Promise<string> {
  const temporary = `${path}.${process.pid}.${Math.random().toString(36).slice(2)}`;
  await writeFile(temporary, text, { mode: 0o600 });
  await chmod(temporary, 0o600);
  const handle = await open(temporary, 'r');
  await handle.sync();
  await handle.close();
  return temporary;
}
