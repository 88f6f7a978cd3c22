import type { RegistryAuth, RegistryConfig, RegistryHostConfig } from '../types.js';

/** One place where a registry's content can be asked for: the registry itself or a mirror of it. */
export interface Endpoint {
  /** Host and port to connect to. */
  readonly host: string;
  readonly scheme: 'http' | 'https';
  /** Path between `/v2/` and the repository, without slashes at its ends; mostly empty. */
  readonly prefix: string;
  readonly ca?: string;
  /** The name that credentials are looked up by. */
  readonly authKey: string;
  readonly isMirror: boolean;
}

const dockerHubHost = 'registry-1.docker.io';

export function isLoopback(host: string): boolean {
  const name = host.replace(/:\d+$/, '');
  return name === 'localhost' || name === '[::1]' || /^127(\.\d{1,3}){3}$/.test(name);
}

function scheme(host: string, config: RegistryHostConfig | undefined): 'http' | 'https' {
  const plain = config?.plainHttp ?? (isLoopback(host) && config?.ca === undefined);
  return plain ? 'http' : 'https';
}

function endpoint(
  name: string,
  config: RegistryHostConfig | undefined,
  isMirror: boolean,
): Endpoint {
  const [host = '', ...path] = name.split('/');
  return {
    host: host === 'docker.io' ? dockerHubHost : host,
    scheme: scheme(host, config),
    prefix: path.join('/'),
    ca: config?.ca,
    authKey: host,
    isMirror,
  };
}

/** Mirrors in their order, then the registry itself unless the configuration rules that out. */
export function endpointsOf(registry: string, registries: RegistryConfig): Endpoint[] {
  const config = registries[registry];
  const mirrors = (config?.mirrors ?? []).map((mirror) => {
    const host = mirror.split('/')[0] ?? '';
    return endpoint(mirror, registries[host], true);
  });
  if (config?.mirrorsOnly && mirrors.length > 0) return mirrors;
  return [...mirrors, endpoint(registry, config, false)];
}

/** The credentials for a repository: the longest matching `registry` of the given ones, else the node's. */
export function findAuth(
  endpoint: Endpoint,
  repository: string,
  given: readonly RegistryAuth[],
  registries: RegistryConfig,
): RegistryAuth | undefined {
  const full = `${endpoint.authKey}/${repository}`;
  const fitting = given.filter(
    ({ registry }) => full === registry || full.startsWith(`${registry}/`),
  );
  const best = fitting.toSorted((a, b) => b.registry.length - a.registry.length)[0];
  if (best) return best;
  const own = registries[endpoint.authKey]?.auth;
  return own && { registry: endpoint.authKey, ...own };
}
