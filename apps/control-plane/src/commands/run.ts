import { describeError, GantryError } from '@gantry/base';
import { describeFlags } from '../flags.js';
import { serveFlags } from '../config.js';
import { serve } from './serve.js';

const usage = `gantry-control-plane [serve] [flags]   runs the control plane: API, scheduler, controllers, agent gateway

Every flag may also be given as a variable: --api-port is GANTRY_API_PORT.

${describeFlags(serveFlags)}
`;

type Command = (argv: readonly string[], env: NodeJS.ProcessEnv) => Promise<void>;

const commands: Readonly<Record<string, Command>> = { serve };

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
