import type { Command } from 'commander';
import { runs, type Environment } from '../command-line.js';
import { formatGrid } from '../output/grid.js';
import type { Session } from '../session.js';

async function show(session: Session): Promise<void> {
  const rows = (await session.catalog.all()).map((resource) => [
    resource.plural,
    resource.shortNames.join(','),
    resource.group ? `${resource.group}/${resource.version}` : resource.version,
    String(resource.namespaced),
    resource.kind,
  ]);
  session.terminal.out(
    formatGrid([['NAME', 'SHORTNAMES', 'APIVERSION', 'NAMESPACED', 'KIND'], ...rows]),
  );
}

export function registerApiResources(program: Command, environment: Environment): void {
  const command = program.command('api-resources').description('show what the server serves');
  runs(environment, command, show);
}
