import type { Pod } from '@gantry/api';

/**
 * The mount option by which a pod with `hostUsers: false` sees the agent's files with the owners that they
 * have on disk: 0 there is its own root. Paths of the host are not mapped, so that they stay out of its reach.
 */
export function idmapped(pod: Pod): string[] {
  return pod.spec.hostUsers === false ? ['idmap'] : [];
}
