import type { Node } from '@gantry/api';
import type { Command } from 'commander';
import { runs, type Environment } from '../command-line.js';
import { builtin } from '../resources/builtin.js';
import type { Session } from '../session.js';

/** Marks nodes as taking no new pods, or takes the mark off. */
export async function setUnschedulable(
  session: Session,
  words: readonly string[],
  unschedulable: boolean,
): Promise<void> {
  const resource = builtin<Node>('Node');
  const done = unschedulable ? 'cordoned' : 'uncordoned';
  for (const word of words) {
    const name = word.replace(/^(nodes?|no)\//, '');
    const node = await session.client.get(resource, { name });
    if ((node.spec.unschedulable ?? false) === unschedulable) {
      session.terminal.out(`node/${name} already ${done}\n`);
      continue;
    }
    const patch = { spec: { unschedulable: unschedulable || null } };
    await session.client.patch(resource, { name }, 'strategic', patch);
    session.terminal.out(`node/${name} ${done}\n`);
  }
}

export function registerCordon(program: Command, environment: Environment): void {
  const cordon = program
    .command('cordon')
    .description('let no new pods onto nodes; those that run stay')
    .argument('<node...>', 'names of nodes');
  runs(environment, cordon, (session, words) => setUnschedulable(session, words, true));
  const uncordon = program
    .command('uncordon')
    .description('let new pods onto nodes again')
    .argument('<node...>', 'names of nodes');
  runs(environment, uncordon, (session, words) => setUnschedulable(session, words, false));
}
