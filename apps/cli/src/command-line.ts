import type { Command } from 'commander';
import { Session } from './session.js';
import type { Terminal } from './terminal.js';

/** What a run of the program gets from outside. */
export interface Environment {
  readonly terminal: Terminal;
  readonly env: NodeJS.ProcessEnv;
  readonly signal: AbortSignal;
}

/** Adds the flags that every command takes; they may stand before and after the command's own. */
export function withGlobalFlags(command: Command): Command {
  return command
    .option(
      '--kubeconfig <file>',
      'kubeconfig to use (default: GANTRY_CONFIG, KUBECONFIG, ~/.kube/config)',
    )
    .option('--context <name>', 'context of the kubeconfig')
    .option('-n, --namespace <name>', 'namespace (default: the one of the context)')
    .option('--request-timeout <duration>', 'give up a request after this time, e.g. 30s');
}

export type Action = (session: Session, words: readonly string[], flags: Flags) => Promise<void>;
export type Flags = Readonly<Record<string, string | string[] | boolean | undefined>>;

/** Hands a commander command over to an action with a session of its own. */
export function runs(environment: Environment, command: Command, action: Action): Command {
  withGlobalFlags(command);
  return command.action(async (...parameters: unknown[]) => {
    const words = parameters
      .slice(0, -2)
      .flat()
      .filter((word) => word !== undefined) as string[];
    const flags = command.optsWithGlobals<Flags>();
    const { terminal, env, signal } = environment;
    const session = new Session(terminal, flags, env, signal);
    try {
      await session.prepare();
      await action(session, words, flags);
    } finally {
      session.close();
    }
  });
}
