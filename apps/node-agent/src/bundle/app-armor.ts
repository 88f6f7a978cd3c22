import { existsSync } from 'node:fs';
import type { Container, Pod } from '@gantry/api';
import { ContainerConfigError } from './config-error.js';

const profiles = '/sys/kernel/security/apparmor/profiles';

/**
 * The AppArmor profile that a container asks for by name, its own or its pod's; undefined when it is to be
 * unconfined. What the node cannot hold it to is refused rather than left out.
 */
export function appArmorProfile(
  pod: Pod,
  container: Container,
  hasAppArmor = existsSync(profiles),
): string | undefined {
  const own = container.securityContext?.appArmorProfile;
  const asked = own ?? pod.spec.securityContext?.appArmorProfile;
  if (!asked || asked.type === 'Unconfined') return undefined;
  const field = 'securityContext.appArmorProfile';
  if (!hasAppArmor) {
    const next = 'leave it out, or choose nodes that have it';
    throw new ContainerConfigError(`${field}: the kernel of this node has no AppArmor; ${next}`);
  }
  if (asked.type === 'Localhost') return asked.localhostProfile;
  const next = 'load one on the node and name it as Localhost, or leave it out';
  throw new ContainerConfigError(`${field}: RuntimeDefault is not there; ${next}`);
}
