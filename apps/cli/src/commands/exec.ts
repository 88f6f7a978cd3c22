import { ExecSession } from '@gantry/client';
import type { Command } from 'commander';
import { runs, type Environment, type Flags } from '../command-line.js';
import { containerOf, onePodOf } from '../pods-of.js';
import { parseObject } from '../resources/arguments.js';
import type { Session } from '../session.js';
import { CommandError, UsageError } from '../usage-error.js';

/** Sends the terminal's keys and size for as long as the command runs; the result undoes it all. */
function attachTerminal(session: Session, remote: ExecSession): () => void {
  const { terminal } = session;
  terminal.stdin.setRawMode?.(true);
  const resize = () => {
    const { columns, rows } = terminal.size();
    remote.resize(columns, rows);
  };
  resize();
  const stop = terminal.onResize(resize);
  return () => {
    stop();
    terminal.stdin.setRawMode?.(false);
  };
}

async function sendInput(session: Session, remote: ExecSession): Promise<void> {
  for await (const chunk of session.terminal.stdin) await remote.write(chunk as Buffer);
  remote.closeStdin();
}

async function exec(session: Session, words: readonly string[], flags: Flags): Promise<void> {
  const [target = '', ...rest] = words;
  // Whatever follows the pod is handed on as it is, the -- that people put between them included.
  const command = rest[0] === '--' ? rest.slice(1) : rest;
  if (command.length === 0) {
    throw new UsageError('say what to run: gantry exec POD -- COMMAND [ARGUMENT…]');
  }
  const { resource, name } = await parseObject(session.catalog, [target], 'pod');
  const pod = await onePodOf(session, resource, name);
  const container = containerOf(session, pod, flags['container'] as string | undefined);
  const { terminal } = session;
  const stdin = flags['stdin'] === true;
  let tty = flags['tty'] === true;
  if (tty && (!stdin || !terminal.stdin.isTTY)) {
    terminal.err('Unable to use a TTY - input is not a terminal or the right kind of file\n');
    tty = false;
  }
  const remote = await ExecSession.open(session.client, {
    namespace: pod.metadata.namespace ?? session.namespace,
    pod: pod.metadata.name ?? '',
    container,
    command,
    stdin,
    tty,
    onStdout: (chunk) => void process.stdout.write(chunk),
    onStderr: (chunk) => void process.stderr.write(chunk),
    signal: session.signal,
  });
  const detach = tty ? attachTerminal(session, remote) : undefined;
  // Input ends with the command: what is typed afterwards is for the shell.
  if (stdin) void sendInput(session, remote).catch(() => remote.closeStdin());
  try {
    const exitCode = await remote.exitCode;
    if (exitCode !== 0) {
      throw new CommandError(tty ? '' : `command terminated with exit code ${exitCode}`, exitCode);
    }
  } finally {
    detach?.();
    terminal.stdin.destroy();
  }
}

export function registerExec(program: Command, environment: Environment): void {
  const command = program
    .command('exec')
    .description('run a command in a container')
    .argument('<pod>', 'POD, or TYPE/NAME for one of its pods')
    .argument('[command...]', 'after --: the command with its arguments')
    .option('-c, --container <name>', 'which container')
    .option('-i, --stdin', 'pass the input on')
    .option('-t, --tty', 'with a terminal')
    .passThroughOptions();
  runs(environment, command, exec);
}
