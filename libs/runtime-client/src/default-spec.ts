import type { Seccomp, Spec } from './oci-spec.js';

export interface DefaultSpecOptions {
  /** From `loadDefaultSeccomp`; without it the container is not filtered (Unconfined). */
  readonly seccomp?: Seccomp;
}

/**
 * A spec that is as strict as Docker's defaults or stricter: capabilities, masked and read-only
 * paths, mounts, devices, no_new_privs. A fresh object each time, for the caller to fill in.
 */
export function defaultSpec(_options: DefaultSpecOptions = {}): Spec {
  throw new Error('not written yet');
}

/** The default seccomp profile that is installed beside the native binaries. */
export async function loadDefaultSeccomp(_nativeDir: string): Promise<Seccomp> {
  throw new Error('not written yet');
}
