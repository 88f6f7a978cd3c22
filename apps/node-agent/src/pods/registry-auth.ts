import type { Pod } from '@gantry/api';
import type { RegistryAuth } from '@gantry/image';
import type { ResourceLookup } from '../bundle/environment.js';

interface DockerAuth {
  username?: string;
  password?: string;
  auth?: string;
  identitytoken?: string;
  registrytoken?: string;
}

const hostOf = (key: string) => key.replace(/^https?:\/\//, '').replace(/\/(v1|v2)?\/?$/, '');

function toRegistryAuth(key: string, entry: DockerAuth): RegistryAuth {
  // `auth` is base64 of USER:PASSWORD; the password may itself hold colons.
  const [, user, secret] = /^([^:]*):([^]*)$/.exec(
    Buffer.from(entry.auth ?? '', 'base64').toString('utf8'),
  ) ?? [undefined, undefined, undefined];
  const registry = hostOf(key) === 'index.docker.io' ? 'docker.io' : hostOf(key);
  return {
    registry,
    username: entry.username ?? user,
    password: entry.password ?? secret,
    identityToken: entry.identitytoken,
    registryToken: entry.registrytoken,
  };
}

function entries(text: string, wrapped: boolean): RegistryAuth[] {
  try {
    const parsed = JSON.parse(text) as Record<string, unknown>;
    const auths = (wrapped ? parsed.auths : parsed) as Record<string, DockerAuth> | undefined;
    return Object.entries(auths ?? {}).map(([key, entry]) => toRegistryAuth(key, entry ?? {}));
  } catch {
    // A secret that is no JSON gives no credentials; the registry's refusal tells the user.
    return [];
  }
}

/** The credentials in a pod's imagePullSecrets (kubernetes.io/dockerconfigjson and dockercfg). */
export function registryAuth(pod: Pod, lookup: ResourceLookup): RegistryAuth[] {
  return (pod.spec.imagePullSecrets ?? []).flatMap(({ name }) => {
    const data = (name && lookup.secret(name)?.data) || {};
    const text = (key: string) => Buffer.from(data[key] ?? '', 'base64').toString('utf8');
    if (data['.dockerconfigjson']) return entries(text('.dockerconfigjson'), true);
    if (data['.dockercfg']) return entries(text('.dockercfg'), false);
    return [];
  });
}
