import type { Pod } from '@gantry/api';
import { parseDockerConfig, type RegistryAuth } from '@gantry/image';
import type { ResourceLookup } from '../bundle/environment.js';

function entries(text: string): RegistryAuth[] {
  try {
    return parseDockerConfig(text);
  } catch {
    // A secret that is malformed gives no credentials; the registry's refusal tells the user.
    return [];
  }
}

/** The credentials in a pod's imagePullSecrets (kubernetes.io/dockerconfigjson and dockercfg). */
export function registryAuth(pod: Pod, lookup: ResourceLookup): RegistryAuth[] {
  return (pod.spec.imagePullSecrets ?? []).flatMap(({ name }) => {
    const data = (name && lookup.secret(name)?.data) || {};
    const found = data['.dockerconfigjson'] ?? data['.dockercfg'];
    return found ? entries(Buffer.from(found, 'base64').toString('utf8')) : [];
  });
}
