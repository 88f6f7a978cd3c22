import type { JoinToken } from '@gantry/api';
import { timestamp } from '@gantry/base';
import type { Command } from 'commander';
import { runs, type Environment, type Flags } from '../command-line.js';
import { objectsText, parseOutput } from '../output/objects-text.js';
import { tableText } from '../output/table-text.js';
import { builtin } from '../resources/builtin.js';
import { parseDuration, type Session } from '../session.js';
import { CommandError, UsageError } from '../usage-error.js';

const gatewayPort = 6444;

/** What a host needs to know of the CA before it trusts anything: the hash of its public key. */
export async function caHash(caPem: string): Promise<string> {
  const { createHash, X509Certificate } = await import('node:crypto');
  const { publicKey } = new X509Certificate(caPem);
  const spki = publicKey.export({ type: 'spki', format: 'der' });
  return `sha256:${createHash('sha256').update(spki).digest('hex')}`;
}

function parseUses(value: Flags[string]): number | undefined {
  if (value === undefined) return 1;
  if (value === 'unlimited') return undefined;
  const uses = Number(value);
  if (Number.isInteger(uses) && uses > 0) return uses;
  throw new UsageError(`--uses: "${String(value)}" must be a number above 0, or unlimited`);
}

async function create(session: Session, _: readonly string[], flags: Flags): Promise<void> {
  const { terminal, cluster, client } = session;
  const output = flags['output'] as string | undefined;
  if (output !== undefined && output !== 'flags' && output !== 'token') {
    throw new UsageError(`--output: "${output}" is not known; choose flags or token`);
  }
  const ttlMs = parseDuration(String(flags['ttl'] ?? '1h'), '--ttl');
  const { randomBytes } = await import('node:crypto');
  const token: JoinToken = {
    apiVersion: 'gantry.dev/v1',
    kind: 'JoinToken',
    metadata: { name: `join-${randomBytes(4).toString('hex')}` },
    spec: {
      usesLeft: parseUses(flags['uses']),
      expiresAt: timestamp(Date.now() + ttlMs),
      description: flags['description'] as string | undefined,
    },
  };
  const created = await client.create(builtin<JoinToken>('JoinToken'), token);
  const secret = created.status?.token;
  if (!secret) throw new CommandError('the server did not show the secret of the token');
  if (output === 'token') return terminal.out(`${secret}\n`);
  if (!cluster.caPem) {
    throw new CommandError('the kubeconfig has no certificate authority to pin; use -o token');
  }
  const join = `--token ${secret} --ca-hash ${await caHash(cluster.caPem)}`;
  if (output === 'flags') return terminal.out(`${join}\n`);
  const { hostname } = new URL(cluster.server);
  terminal.out(`deploy/install.sh agent --server ${hostname}:${gatewayPort} ${join}\n`);
}

async function list(session: Session, _: readonly string[], flags: Flags): Promise<void> {
  const output = parseOutput(flags['output'] as string | undefined);
  const resource = builtin('JoinToken');
  const { terminal, client } = session;
  if (output === 'json' || output === 'yaml') {
    const { items } = await client.listAll(resource);
    return terminal.out(await objectsText(items, output, true));
  }
  const table = await client.table(resource, {});
  if (table.rows.length === 0)
    return terminal.err('No join tokens; `gantry token create` makes one.\n');
  terminal.out(tableText(table, { wide: true }));
}

async function remove(session: Session, names: readonly string[]): Promise<void> {
  for (const name of names) {
    // People hand in what they have: the name, or the whole token.
    const [plain = ''] = name.split('.');
    await session.client.delete(builtin('JoinToken'), { name: plain });
    session.terminal.out(`jointoken.gantry.dev/${plain} deleted\n`);
  }
}

export function registerToken(program: Command, environment: Environment): void {
  const token = program.command('token').description('tokens by which hosts join the cluster');
  const created = token
    .command('create')
    .description('make a token and print the line that joins a host')
    .option('--uses <n>', 'how many hosts may join with it (default 1), or unlimited')
    .option('--ttl <duration>', 'how long it serves (default 1h)')
    .option('--description <text>', 'what it is for')
    .option('-o, --output <format>', 'flags: only --token … --ca-hash …; token: only the token');
  runs(environment, created, create);
  const listed = token
    .command('list')
    .description('show the tokens; their secrets are never shown again')
    .option('-o, --output <format>', 'yaml or json');
  runs(environment, listed, list);
  const removed = token
    .command('delete')
    .description('take tokens back; hosts that have joined stay')
    .argument('<name...>', 'name of the token, or the token itself');
  runs(environment, removed, remove);
}
