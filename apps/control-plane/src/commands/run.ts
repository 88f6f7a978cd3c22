import { describeError, GantryError } from '@gantry/base';
import { describeFlags } from '../flags.js';
import { serveFlags } from '../config.js';
import { kubeconfig, kubeconfigFlags } from './kubeconfig.js';
import { replay } from './replay.js';
import { serve } from './serve.js';
import { token, tokenFlags } from './token.js';

const usage = `usage: gantry-control-plane [COMMAND] [FLAG…]

serve (the default): run the API, the scheduler, the controllers and the gateway for agents
${describeFlags(serveFlags)}

token create: create a join token and print the flags with which an agent joins
${describeFlags(tokenFlags)}

kubeconfig: print the administrator's kubeconfig
${describeFlags(kubeconfigFlags)}

replay FILE: decide again what a --decision-log of serve has recorded, and tell the first difference

Every flag may also be given as a variable: --api-port is GANTRY_API_PORT. A second control plane
needs the same etcd and a copy of DATA-DIR/pki.
`;

type Command = (argv: readonly string[], env: NodeJS.ProcessEnv) => Promise<void>;

const commands: Readonly<Record<string, Command>> = { serve, token, kubeconfig, replay };

/** Runs one command; the exit code is 0, 1 when it failed, 2 when the command line is wrong. */
export async function run(argv: readonly string[], env: NodeJS.ProcessEnv): Promise<number> {
  if (argv.some((argument) => argument === '--help' || argument === '-h' || argument === 'help')) {
    process.stdout.write(usage);
    return 0;
  }
  const named = argv[0] !== undefined && !argv[0].startsWith('-');
  const name = named ? (argv[0] as string) : 'serve';
  const command = commands[name];
  if (!command) {
    process.stderr.write(
      `error: unknown command ${name}: one of ${Object.keys(commands).join(', ')}\n`,
    );
    return 2;
  }
  try {
    await command(named ? argv.slice(1) : argv, env);
    return 0;
  } catch (error) {
    const wrongUse = error instanceof GantryError && error.reason === 'BadRequest';
    process.stderr.write(`error: ${wrongUse ? error.message : describeError(error)}\n`);
    return wrongUse ? 2 : 1;
  }
}
