import { ImageError } from '../errors.js';
import { canonicalRegistry } from '../reference.js';
import type { RegistryAuth } from '../types.js';

interface DockerAuthEntry {
  readonly auth?: string;
  readonly username?: string;
  readonly password?: string;
  readonly identitytoken?: string;
  readonly registrytoken?: string;
}

/** `https://index.docker.io/v1/` and the like, as people have them in their files. */
function registryOf(key: string): string {
  const bare = key
    .replace(/^https?:\/\//, '')
    .replace(/\/v[12]\/?$/, '')
    .replace(/\/+$/, '');
  return canonicalRegistry(bare);
}

function credentialsOf(entry: DockerAuthEntry): { username?: string; password?: string } {
  if (!entry.auth) return { username: entry.username, password: entry.password };
  const decoded = Buffer.from(entry.auth, 'base64').toString('utf8');
  const colon = decoded.indexOf(':');
  if (colon < 0)
    throw new ImageError('unauthorized', 'an "auth" entry is not base64 of user:password');
  return { username: decoded.slice(0, colon), password: decoded.slice(colon + 1) };
}

/**
 * Credentials from the content of a `.dockerconfigjson` (or the older `.dockercfg`) secret; throws ImageError
 * `unauthorized` when it is malformed. Messages never show its content.
 */
export function parseDockerConfig(text: string): RegistryAuth[] {
  let parsed: unknown;
  try {
    parsed = JSON.parse(text);
  } catch {
    throw new ImageError('unauthorized', 'the registry credentials are no JSON');
  }
  const auths = (parsed as { auths?: unknown } | null)?.auths ?? parsed;
  if (typeof auths !== 'object' || auths === null || Array.isArray(auths)) {
    throw new ImageError('unauthorized', 'the registry credentials have no "auths"');
  }
  return Object.entries(auths as Record<string, DockerAuthEntry>).map(([key, entry]) => ({
    registry: registryOf(key),
    ...credentialsOf(entry ?? {}),
    identityToken: entry?.identitytoken,
    registryToken: entry?.registrytoken,
  }));
}
