import { readFile, stat } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import type { RegistryConfig, RegistryHostConfig } from '@gantry/image';

type Shape = Readonly<Record<string, (value: unknown) => string | undefined>>;

const text = (value: unknown) =>
  typeof value === 'string' && value !== '' ? undefined : 'must be a string';
const flag = (value: unknown) => (typeof value === 'boolean' ? undefined : 'must be true or false');
const hosts = (value: unknown) =>
  Array.isArray(value) && value.every((host) => text(host) === undefined && !host.includes('://'))
    ? undefined
    : 'must be a list of HOST[:PORT][/PREFIX], without a scheme (plainHttp says which)';

const authShape: Shape = {
  username: text,
  password: text,
  passwordFile: text,
  identityToken: text,
  registryToken: text,
};
const hostShape: Shape = {
  mirrors: hosts,
  mirrorsOnly: flag,
  plainHttp: flag,
  ca: text,
  caFile: text,
  auth: (value) => (isRecord(value) ? undefined : 'must be an object'),
};

/** Group and others. */
const readableByOthers = 0o044;

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function* faultsOf(at: string, value: unknown, shape: Shape): Generator<string> {
  if (!isRecord(value)) return yield `${at} must be an object`;
  for (const [name, part] of Object.entries(value)) {
    const check = shape[name];
    const fault = check
      ? check(part)
      : `is not known: the settings are ${Object.keys(shape).join(', ')}`;
    if (fault) yield `${at}.${name} ${fault}`;
  }
}

function* allFaults(hosts: unknown): Generator<string> {
  if (!isRecord(hosts)) {
    return yield 'must be an object with a registry host as each key, such as "docker.io"';
  }
  for (const [host, settings] of Object.entries(hosts)) {
    const at = JSON.stringify(host);
    yield* faultsOf(at, settings, hostShape);
    if (!isRecord(settings) || !isRecord(settings['auth'])) continue;
    yield* faultsOf(`${at}.auth`, settings['auth'], authShape);
  }
}

/** What Node says of faulty JSON shows a part of it, which may be a secret: only the place is told. */
function parseJson(content: string): unknown {
  let place = '';
  try {
    return JSON.parse(content);
  } catch (error) {
    const at = /position (\d+)/.exec((error as Error).message)?.[1];
    if (at !== undefined) place = ` (line ${content.slice(0, Number(at)).split('\n').length})`;
  }
  throw new Error(`is no valid JSON${place}`);
}

/** The contents of the files that settings name, relative to the folder of the configuration. */
async function withFiles(
  { caFile, auth, ...rest }: RegistryHostConfig & FileSettings,
  folder: string,
): Promise<RegistryHostConfig> {
  const content = async (name: string) => readFile(resolve(folder, name), 'utf8');
  const ca = caFile === undefined ? rest.ca : await content(caFile);
  if (!auth) return { ...rest, ca };
  const { passwordFile, ...known } = auth;
  if (passwordFile === undefined) return { ...rest, ca, auth: known };
  return { ...rest, ca, auth: { ...known, password: (await content(passwordFile)).trimEnd() } };
}

interface FileSettings {
  readonly caFile?: string;
  readonly auth?: RegistryHostConfig['auth'] & { readonly passwordFile?: string };
}

/**
 * The registry settings of this node (docs/registries.md) from a JSON file. Throws one error that names
 * every fault: a setting that is unknown or of a wrong type, a file that cannot be read, credentials
 * that others on the host can read.
 */
export async function readRegistries(path: string | undefined): Promise<RegistryConfig> {
  if (path === undefined) return {};
  try {
    const parsed = parseJson(await readFile(path, 'utf8'));
    const faults = [...allFaults(parsed)];
    if (faults.length > 0) throw new Error(faults.join('; '));
    const settings = Object.entries(parsed as Record<string, RegistryHostConfig & FileSettings>);
    await checkSecrecy(path, settings);
    const read = settings.map(async ([host, one]) => [host, await withFiles(one, dirname(path))]);
    return Object.fromEntries(await Promise.all(read)) as RegistryConfig;
  } catch (error) {
    throw new Error(`--registries ${path}: ${(error as Error).message}`, { cause: error });
  }
}

async function checkSecrecy(
  path: string,
  settings: readonly (readonly [string, RegistryHostConfig & FileSettings])[],
): Promise<void> {
  const isSecret = settings.some(([, { auth }]) => Object.keys(auth ?? {}).some(isSecretSetting));
  if (isSecret) await checkMode(path, 'holds');
  for (const [host, { auth }] of settings) {
    const { passwordFile } = auth ?? {};
    if (passwordFile === undefined) continue;
    await checkMode(
      resolve(dirname(path), passwordFile),
      `${JSON.stringify(host)}.auth.passwordFile holds`,
    );
  }
}

async function checkMode(path: string, what: string): Promise<void> {
  if (((await stat(path)).mode & readableByOthers) === 0) return;
  throw new Error(`${what} credentials that others can read: chmod 600 ${path}`);
}

const isSecretSetting = (name: string) => name !== 'username' && name !== 'passwordFile';
