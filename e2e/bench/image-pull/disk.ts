import { mkdirSync, mkdtempSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { must } from '../../cluster/process.ts';

const bytes = 40 * 2 ** 30;

/** An ext4 file system with a journal in a sparse file, as hosts have it, mounted in this mount namespace. */
export interface Disk {
  readonly directory: string;
  close(): Promise<void>;
}

/**
 * Makes one in /var/tmp. Its own, so that what others on the machine delete does not count: without a journal, which
 * some virtual machines do without, ext4 passes over inodes that were freed within the last minutes one by one.
 */
export async function makeDisk(): Promise<Disk> {
  // Podman takes paths of fifty characters at most.
  const folder = mkdtempSync('/var/tmp/gantry-pull-');
  const [file, directory] = [join(folder, 'disk'), join(folder, 'd')];
  const remove = () => rmSync(folder, { recursive: true, force: true });
  try {
    writeFileSync(file, '');
    truncateSync(file, bytes);
    mkdirSync(directory);
    const lazily = 'lazy_itable_init=1,lazy_journal_init=1,nodiscard';
    await must(['mkfs.ext4', '-q', '-F', '-E', lazily, file]);
    await must(['mount', '-o', 'loop,noinit_itable', file, directory]);
  } catch (error) {
    remove();
    throw error;
  }
  return {
    directory,
    async close() {
      // Daemons that were just ended may have mounts of their own left below.
      await must(['umount', '-R', '-l', directory]);
      remove();
    },
  };
}
