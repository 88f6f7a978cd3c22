import type { Spec } from './oci-spec.js';

/** Writes `DIR/config.json` (and an empty `DIR/rootfs`), replacing an earlier one atomically. */
export async function writeBundle(_dir: string, _spec: Spec): Promise<void> {
  throw new Error('not written yet');
}
