import type { Command } from 'commander';
import { completionScript, isShell, shells } from '../completion/scripts.js';
import type { Environment } from '../command-line.js';
import { UsageError } from '../usage-error.js';

export function registerCompletion(program: Command, { terminal }: Environment): void {
  program
    .command('completion')
    .description('print a script that completes command lines')
    .argument('<shell>', shells.join(', '))
    .addHelpText('after', '\nFor example: source <(gantry completion bash)')
    .action((shell: string) => {
      if (!isShell(shell)) {
        throw new UsageError(`shell "${shell}" is not known; choose ${shells.join(', ')}`);
      }
      terminal.out(completionScript(shell, program));
    });
}
