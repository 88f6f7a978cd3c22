import type { Command } from 'commander';
import { runs, type Environment, type Flags } from '../command-line.js';
import type { Session } from '../session.js';
import { version } from '../version.js';

interface ServerVersion {
  readonly gitVersion: string;
  readonly major: string;
  readonly minor: string;
}

async function show(session: Session, _: readonly string[], flags: Flags): Promise<void> {
  const { terminal } = session;
  const clientVersion = { gitVersion: `v${version}`, nodeVersion: process.version };
  const serverVersion = flags['client']
    ? undefined
    : await session.client.request<ServerVersion>({ method: 'GET', path: '/version' });
  if (flags['output'] === 'json') {
    return terminal.out(`${JSON.stringify({ clientVersion, serverVersion }, null, 4)}\n`);
  }
  terminal.out(`Client Version: ${clientVersion.gitVersion}\n`);
  if (serverVersion) terminal.out(`Server Version: ${serverVersion.gitVersion}\n`);
}

export function registerVersion(program: Command, environment: Environment): void {
  const command = program
    .command('version')
    .description('show the versions of this program and of the server')
    .option('--client', 'only of this program')
    .option('-o, --output <format>', 'json');
  runs(environment, command, show);
}
