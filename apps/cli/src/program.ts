import { Command, CommanderError } from 'commander';
import { withGlobalFlags, type Environment } from './command-line.js';
import * as commands from './commands/index.js';
import { failureOf } from './failure-text.js';
import { paintError, type Terminal } from './terminal.js';
import { CommandError } from './usage-error.js';
import { version } from './version.js';

export function buildProgram(environment: Environment): Command {
  const { terminal } = environment;
  const program = new Command('gantry')
    .description('gantry works with a Gantry cluster: it applies manifests and shows what happens.')
    .version(version, '--version', 'print the version of this program')
    .configureOutput({
      writeOut: (text) => terminal.out(text),
      writeErr: (text) => terminal.err(text),
      outputError: (text, write) => write(paintError(terminal, 'red', text)),
    })
    .showSuggestionAfterError(true)
    .showHelpAfterError('(add --help for usage)')
    .helpCommand('help [command]', 'show help for a command')
    .enablePositionalOptions()
    .exitOverride();
  withGlobalFlags(program);
  for (const register of Object.values(commands)) register(program, environment);
  for (const command of program.commands) inheritSettings(program, command);
  return program;
}

function inheritSettings(parent: Command, command: Command): void {
  command.copyInheritedSettings(parent);
  for (const child of command.commands) inheritSettings(command, child);
}

function exitCodeOf(error: unknown, terminal: Terminal): number {
  if (error instanceof CommanderError) {
    // Help and version end this way too; commander has written its words already.
    return error.exitCode === 0 || error.code === 'commander.help' ? 0 : 2;
  }
  const failure = failureOf(error);
  if (failure.text) terminal.err(`${paintError(terminal, 'red', failure.text)}\n`);
  return failure.exitCode;
}

/** Runs one command line; the exit code is 0, 1 when it failed, 2 when the line is wrong. */
export async function run(argv: readonly string[], environment: Environment): Promise<number> {
  try {
    await buildProgram(environment).parseAsync([...argv], { from: 'user' });
    return 0;
  } catch (error) {
    if (environment.signal.aborted && !(error instanceof CommandError)) return 130;
    return exitCodeOf(error, environment.terminal);
  }
}
