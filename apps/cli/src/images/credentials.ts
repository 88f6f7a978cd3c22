import type { Secret } from '@gantry/api';
import type { Flags } from '../command-line.js';
import { builtin } from '../resources/builtin.js';
import type { Session } from '../session.js';
import { CommandError, UsageError } from '../usage-error.js';

/** A Docker config.json, or nothing. */
export type CredentialSource = string | undefined;

/** The credentials of `--auth-file` or `--secret`; neither is shown or kept anywhere. */
export async function readCredentials(session: Session, flags: Flags): Promise<CredentialSource> {
  const file = flags['authFile'] as string | undefined;
  const secret = flags['secret'] as string | undefined;
  if (file !== undefined && secret !== undefined) {
    throw new UsageError('--auth-file and --secret exclude each other');
  }
  if (secret !== undefined) return fromSecret(session, secret);
  if (file === undefined) return undefined;
  const { readFile } = await import('node:fs/promises');
  try {
    return await readFile(file, 'utf8');
  } catch (error) {
    throw new UsageError(`--auth-file: ${(error as Error).message}`);
  }
}

async function fromSecret(session: Session, name: string): Promise<string> {
  const { namespace } = session;
  const { data = {} } = await session.client.get(builtin<Secret>('Secret'), { namespace, name });
  const encoded = data['.dockerconfigjson'] ?? data['.dockercfg'];
  if (encoded) return Buffer.from(encoded, 'base64').toString('utf8');
  throw new CommandError(`secret ${namespace}/${name} holds no .dockerconfigjson`);
}
