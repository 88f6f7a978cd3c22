import type { Command } from 'commander';
import { runs, type Environment } from '../command-line.js';
import type { Session } from '../session.js';
import { CommandError } from '../usage-error.js';

async function explain(session: Session, [path = '']: readonly string[]): Promise<void> {
  const [type = '', ...fields] = path.split('.');
  const resource = await session.catalog.find(type);
  const { explainText, kinds } = await import('@gantry/api');
  const kind = kinds.find(
    ({ group, kind: name }) => group === resource.group && name === resource.kind,
  );
  if (!kind) throw new CommandError(`this program has no description of ${resource.plural}`);
  session.terminal.out(`${explainText(kind, fields).trimEnd()}\n`);
}

export function registerExplain(program: Command, environment: Environment): void {
  const command = program
    .command('explain')
    .description('describe a kind or one of its fields')
    .argument('<path>', 'for example pod, deployment.spec.strategy');
  runs(environment, command, explain);
}
