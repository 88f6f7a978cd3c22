import { mkdir, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Spec } from './oci-spec.js';

/** Writes `DIR/config.json` (and an empty `DIR/rootfs`), replacing an earlier one atomically. */
export async function writeBundle(dir: string, spec: Spec): Promise<void> {
  await mkdir(join(dir, 'rootfs'), { recursive: true, mode: 0o755 });
  const path = join(dir, 'config.json');
  // Only root: the environment of a container may hold secrets.
  await writeFile(`${path}.new`, JSON.stringify(spec), { mode: 0o600 });
  await rename(`${path}.new`, path);
}
