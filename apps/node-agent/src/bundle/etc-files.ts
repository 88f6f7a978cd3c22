import type { HostAlias, Pod } from '@gantry/api';
import { hostnameOf } from './environment.js';

// What resolv.conf(5) reads at most.
const maxNameservers = 3;

function aliasLines(aliases: readonly HostAlias[] | undefined): string[] {
  return (aliases ?? []).map((alias) => [alias.ip, ...(alias.hostnames ?? [])].join('\t'));
}

/** The pod's /etc/hosts; with the host's network that of the host, with the aliases added. */
export function hostsFile(
  pod: Pod,
  podIPs: readonly string[],
  nodeName: string,
  host: string,
): string {
  const aliases = aliasLines(pod.spec.hostAliases);
  if (pod.spec.hostNetwork) return [host.trimEnd(), ...aliases, ''].join('\n');
  const name = hostnameOf({ pod, nodeName });
  const { subdomain } = pod.spec;
  const names = subdomain ? [`${name}.${subdomain}.${pod.metadata.namespace}`, name] : [name];
  return [
    '# written by gantry: changes are lost when the container restarts',
    '127.0.0.1\tlocalhost',
    '::1\tlocalhost ip6-localhost ip6-loopback',
    'fe00::0\tip6-localnet',
    'fe00::1\tip6-allnodes',
    'fe00::2\tip6-allrouters',
    ...podIPs.map((ip) => [ip, ...names].join('\t')),
    ...aliases,
    '',
  ].join('\n');
}

interface Resolver {
  nameservers: string[];
  searches: string[];
  options: string[];
}

function parseResolver(text: string): Resolver {
  const resolver: Resolver = { nameservers: [], searches: [], options: [] };
  for (const line of text.split('\n')) {
    const [keyword, ...values] = line.trim().split(/\s+/);
    if (keyword === 'nameserver' && values[0]) resolver.nameservers.push(values[0]);
    else if (keyword === 'search') resolver.searches = values;
    else if (keyword === 'options') resolver.options.push(...values);
  }
  return resolver;
}

/** The pod's resolv.conf: the host's unless dnsPolicy is None, with dnsConfig added. */
export function resolvConf(pod: Pod, host: string): string {
  const { dnsPolicy, dnsConfig } = pod.spec;
  const base = parseResolver(dnsPolicy === 'None' ? '' : host);
  const options = (dnsConfig?.options ?? []).map(({ name, value }) =>
    value === undefined ? name! : `${name}:${value}`,
  );
  const nameservers = [...base.nameservers, ...(dnsConfig?.nameservers ?? [])];
  const searches = [...base.searches, ...(dnsConfig?.searches ?? [])];
  const allOptions = [...base.options, ...options];
  return [
    ...[...new Set(nameservers)].slice(0, maxNameservers).map((server) => `nameserver ${server}`),
    ...(searches.length > 0 ? [`search ${[...new Set(searches)].join(' ')}`] : []),
    ...(allOptions.length > 0 ? [`options ${[...new Set(allOptions)].join(' ')}`] : []),
    '',
  ].join('\n');
}
