import { existsSync, readFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import type { ClusterConfig } from './cluster.js';

export interface NamedCluster {
  name: string;
  cluster?: {
    server?: string;
    'certificate-authority'?: string;
    'certificate-authority-data'?: string;
    'insecure-skip-tls-verify'?: boolean;
    'tls-server-name'?: string;
  };
}

export interface NamedUser {
  name: string;
  user?: {
    'client-certificate'?: string;
    'client-certificate-data'?: string;
    'client-key'?: string;
    'client-key-data'?: string;
    token?: string;
    tokenFile?: string;
    username?: string;
    password?: string;
    exec?: unknown;
    'auth-provider'?: unknown;
  };
}

export interface NamedContext {
  name: string;
  context?: { cluster?: string; user?: string; namespace?: string };
}

/** The files of KUBECONFIG as one; of equal names the first wins, as kubectl has it. */
export interface Kubeconfig {
  readonly files: readonly string[];
  readonly currentContext: string;
  readonly clusters: readonly NamedCluster[];
  readonly users: readonly NamedUser[];
  readonly contexts: readonly NamedContext[];
}

/** The configuration cannot be used; the message names the file and what to do. */
export class KubeconfigError extends Error {}

interface RawKubeconfig {
  'current-context'?: string;
  clusters?: NamedCluster[] | null;
  users?: NamedUser[] | null;
  contexts?: NamedContext[] | null;
}

/** JSON is YAML too; what a control plane writes is JSON and saves loading a parser. */
async function parseText(text: string): Promise<unknown> {
  if (text.trimStart().startsWith('{')) return JSON.parse(text);
  const { parse } = await import('yaml');
  return parse(text);
}

async function readFile(path: string): Promise<RawKubeconfig> {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (error) {
    throw new KubeconfigError(`cannot read kubeconfig ${path}: ${(error as Error).message}`, {
      cause: error,
    });
  }
  let value: unknown;
  try {
    value = await parseText(text);
  } catch (error) {
    throw new KubeconfigError(`kubeconfig ${path} is not valid YAML: ${(error as Error).message}`, {
      cause: error,
    });
  }
  if (value === null || value === undefined) return {};
  if (typeof value !== 'object' || Array.isArray(value)) {
    throw new KubeconfigError(`kubeconfig ${path} does not hold an object`);
  }
  return value;
}

const pathKeys = [
  'certificate-authority',
  'client-certificate',
  'client-key',
  'tokenFile',
] as const;

/** Paths in a kubeconfig are relative to its own directory. */
function absolutePaths<T extends object>(entry: T | undefined, directory: string): T | undefined {
  if (!entry) return entry;
  const result = { ...entry } as T & Record<string, unknown>;
  for (const key of pathKeys) {
    const path = result[key];
    if (typeof path === 'string' && path !== '')
      Object.assign(result, { [key]: resolve(directory, path) });
  }
  return result;
}

function firstOfEachName<T extends { name: string }>(entries: readonly T[]): T[] {
  const names = new Set<string>();
  return entries.filter(({ name }) => !names.has(name) && names.add(name));
}

/** Reads and merges kubeconfig files; missing ones are skipped as long as one is there. */
export async function loadKubeconfig(paths: readonly string[]): Promise<Kubeconfig> {
  const files = paths.filter((path) => existsSync(path));
  if (files.length === 0) {
    throw new KubeconfigError(
      `no kubeconfig at ${paths.join(', ')}; set KUBECONFIG or give --kubeconfig FILE`,
    );
  }
  const raws = await Promise.all(
    files.map(async (path) => ({ raw: await readFile(path), directory: dirname(resolve(path)) })),
  );
  return {
    files,
    currentContext: raws.map(({ raw }) => raw['current-context']).find(Boolean) ?? '',
    contexts: firstOfEachName(raws.flatMap(({ raw }) => raw.contexts ?? [])),
    clusters: firstOfEachName(
      raws.flatMap(({ raw, directory }) =>
        (raw.clusters ?? []).map((entry) => ({
          ...entry,
          cluster: absolutePaths(entry.cluster, directory),
        })),
      ),
    ),
    users: firstOfEachName(
      raws.flatMap(({ raw, directory }) =>
        (raw.users ?? []).map((entry) => ({
          ...entry,
          user: absolutePaths(entry.user, directory),
        })),
      ),
    ),
  };
}

function pem(data: string | undefined, path: string | undefined): string | undefined {
  if (data) return Buffer.from(data, 'base64').toString('utf8');
  if (!path) return undefined;
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    throw new KubeconfigError(`cannot read ${path}: ${(error as Error).message}`, { cause: error });
  }
}

function find<T extends { name: string }>(entries: readonly T[], name: string, what: string): T {
  const entry = entries.find((candidate) => candidate.name === name);
  if (entry) return entry;
  const known = entries.map((candidate) => candidate.name).join(', ') || 'none';
  throw new KubeconfigError(`no ${what} named "${name}" in the kubeconfig (there: ${known})`);
}

/** What a context of the configuration says, with all files read. */
export function resolveContext(config: Kubeconfig, contextName?: string): ClusterConfig {
  const name = contextName ?? config.currentContext;
  if (!name) {
    throw new KubeconfigError(
      `${config.files.join(', ')} has no current-context; choose one with --context or \`gantry config use-context\``,
    );
  }
  const { context = {} } = find(config.contexts, name, 'context');
  const { cluster = {} } = find(config.clusters, context.cluster ?? '', 'cluster');
  const { user = {} } = find(config.users, context.user ?? '', 'user');
  if (!cluster.server) throw new KubeconfigError(`cluster "${context.cluster}" has no server`);
  if (user.exec || user['auth-provider']) {
    throw new KubeconfigError(
      `user "${context.user}" wants a credential plugin, which is not supported; use a client certificate or a token`,
    );
  }
  return {
    server: cluster.server.replace(/\/+$/, ''),
    caPem: pem(cluster['certificate-authority-data'], cluster['certificate-authority']),
    certPem: pem(user['client-certificate-data'], user['client-certificate']),
    keyPem: pem(user['client-key-data'], user['client-key']),
    token: user.token ?? pem(undefined, user.tokenFile)?.trim(),
    username: user.username,
    password: user.password,
    serverName: cluster['tls-server-name'],
    insecureSkipTlsVerify: cluster['insecure-skip-tls-verify'],
    namespace: context.namespace,
  };
}
