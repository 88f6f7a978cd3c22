import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { badRequest } from '@gantry/base';
import { serveFlags } from '../config.js';
import { FlagReader, flagOptions } from '../flags.js';

/** The flags of `kubeconfig`. */
export const kubeconfigFlags = {
  'data-dir': serveFlags['data-dir'],
  server: { value: 'URL', help: 'address of the API to put into it (default: the stored one)' },
} as const;

/** Prints the administrator's kubeconfig of the control plane on this machine. */
export async function kubeconfig(argv: readonly string[], env: NodeJS.ProcessEnv): Promise<void> {
  const options = flagOptions(kubeconfigFlags);
  const { values } = parseArgs({ args: [...argv], options, strict: false });
  const read = new FlagReader(kubeconfigFlags, values, env);
  read.refuseUnknown();
  const server = read.optional('server');
  read.require(!server || URL.canParse(server), `--server ${server}: give https://HOST:PORT`);
  read.throwFaults();
  const path = join(read.text('data-dir'), 'admin.kubeconfig');
  const text = await readFile(path, 'utf8').catch((error: Error) => {
    throw badRequest(`${error.message}; start the control plane first, or name its --data-dir`);
  });
  const config = JSON.parse(text) as { clusters: [{ cluster: { server: string } }] };
  if (server) config.clusters[0].cluster.server = server;
  process.stdout.write(`${JSON.stringify(config, null, 2)}\n`);
}
