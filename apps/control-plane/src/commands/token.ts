import { createHash, X509Certificate } from 'node:crypto';
import { parseArgs } from 'node:util';
import { badRequest } from '@gantry/base';
import { serveFlags } from '../config.js';
import { describeFlags, FlagReader, flagOptions } from '../flags.js';
import { localCluster } from './api-call.js';

/** The flags of `token create`. */
export const tokenFlags = {
  'data-dir': serveFlags['data-dir'],
  uses: { value: 'N', help: 'how many nodes may join with it', default: '1' },
  'ttl-minutes': { value: 'N', help: 'how long it is good for', default: '60' },
  output: { value: 'FORM', help: 'flags (for gantry-agent) or token', default: 'flags' },
} as const;

/** Creates a join token through the API of the control plane on this machine and prints it. */
export async function token(argv: readonly string[], env: NodeJS.ProcessEnv): Promise<void> {
  const [verb, ...rest] = argv;
  if (verb !== 'create') {
    throw badRequest(`token create [flags]\n\n${describeFlags(tokenFlags)}`);
  }
  const { values } = parseArgs({ args: rest, options: flagOptions(tokenFlags), strict: false });
  const read = new FlagReader(tokenFlags, values, env);
  read.refuseUnknown();
  const uses = read.integer('uses', 1, 10_000);
  const minutes = read.integer('ttl-minutes', 1, 60 * 24 * 365);
  const form = read.oneOf('output', ['flags', 'token']);
  read.throwFaults();
  const cluster = await localCluster(read.text('data-dir'));
  const created = (await cluster.post('/apis/gantry.dev/v1/jointokens', {
    apiVersion: 'gantry.dev/v1',
    kind: 'JoinToken',
    metadata: { generateName: 'join-' },
    spec: { usesLeft: uses, expiresAt: inMinutes(minutes) },
  })) as { status?: { token?: string } };
  const secret = created.status?.token ?? '';
  const flags = `--token ${secret} --ca-hash ${caHash(cluster.caPem)}`;
  process.stdout.write(`${form === 'token' ? secret : flags}\n`);
}

function inMinutes(minutes: number): string {
  return new Date(Date.now() + minutes * 60_000).toISOString().replace(/\.\d+Z$/, 'Z');
}

function caHash(pem: string): string {
  const spki = new X509Certificate(pem).publicKey.export({ type: 'spki', format: 'der' });
  return `sha256:${createHash('sha256').update(spki).digest('hex')}`;
}
