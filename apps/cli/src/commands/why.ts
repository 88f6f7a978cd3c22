import { resourcePath } from '@gantry/client';
import type { Pod } from '@gantry/api';
import type { Command } from 'commander';
import { runs, type Environment, type Flags } from '../command-line.js';
import { deathLines } from '../describe/deaths.js';
import { explanationText, type PlacementExplanation } from '../output/explanation-text.js';
import { parseObject } from '../resources/arguments.js';
import type { Session } from '../session.js';
import { paint } from '../terminal.js';
import { UsageError } from '../usage-error.js';

async function why(session: Session, words: readonly string[], flags: Flags): Promise<void> {
  if (flags['output'] !== undefined && flags['output'] !== 'json') {
    throw new UsageError(`-o ${String(flags['output'])}: why prints text or json`);
  }
  const { resource, name } = await parseObject(session.catalog, words, 'pod');
  if (resource.kind !== 'Pod') throw new UsageError('why explains pods: gantry why pod/NAME');
  const address = { namespace: session.namespace, name, subresource: 'why' };
  const explanation = await session.client.request<PlacementExplanation>({
    method: 'GET',
    path: resourcePath(resource, address),
  });
  const { terminal } = session;
  if (flags['output'] === 'json') return terminal.out(`${JSON.stringify(explanation, null, 4)}\n`);
  terminal.out(
    explanationText(explanation, (fits, text) => paint(terminal, fits ? 'green' : 'red', text)),
  );
  const path = resourcePath(resource, { namespace: session.namespace, name });
  const deaths = deathLines(await session.client.request<Pod>({ method: 'GET', path }));
  if (deaths.length > 0) terminal.out(`\n${deaths.join('\n')}\n`);
}

export function registerWhy(program: Command, environment: Environment): void {
  const command = program
    .command('why')
    .description('explain where a pod could run, why not elsewhere, and how its containers ended')
    .argument('<pod...>', 'pod/NAME or NAME')
    .option('-o, --output <format>', 'json');
  runs(environment, command, why);
}
