import { execFileSync } from 'node:child_process';
import { join } from 'node:path';

/** Where the runtime's privileged tests want to be started. */
export const crate = join(import.meta.dirname, '../../native/crates/runtime');

interface Message {
  readonly executable?: string | null;
  readonly target?: { readonly name: string; readonly kind: readonly string[] };
}

/** Builds the runtime's privileged tests and returns their programs by name. */
export function buildTests(): Map<string, string> {
  const argv = ['test', '-p', 'gantry-runtime', '--no-run', '--message-format=json'];
  const output = execFileSync('cargo', argv, {
    cwd: crate,
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'ignore'],
    maxBuffer: 1 << 26,
  });
  const messages = output.split('\n').filter((line) => line.startsWith('{'));
  const tests = messages
    .map((line) => JSON.parse(line) as Message)
    .filter((message) => message.executable && message.target?.kind.includes('test'));
  return new Map(tests.map(({ target, executable }) => [target!.name, executable!]));
}
