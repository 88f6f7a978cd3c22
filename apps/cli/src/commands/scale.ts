import type { ApiObject } from '@gantry/api';
import type { DiscoveredResource } from '@gantry/client';
import type { Command } from 'commander';
import { runs, type Environment, type Flags } from '../command-line.js';
import { parseObject } from '../resources/arguments.js';
import { qualifiedName } from '../resources/catalog.js';
import type { Session } from '../session.js';
import { CommandError, UsageError } from '../usage-error.js';

interface Scale extends ApiObject {
  spec: { replicas?: number };
}

function parseCount(value: Flags[string], flag: string): number | undefined {
  if (value === undefined) return undefined;
  const count = Number(value);
  if (typeof value === 'string' && /^\d+$/.test(value) && count < 2 ** 31) return count;
  throw new UsageError(`${flag}: "${String(value)}" must be a whole number, 0 or more`);
}

async function scale(session: Session, words: readonly string[], flags: Flags): Promise<void> {
  const replicas = parseCount(flags['replicas'], '--replicas');
  const expected = parseCount(flags['currentReplicas'], '--current-replicas');
  if (replicas === undefined) throw new UsageError('say how many: --replicas=N');
  const { resource, name } = await parseObject(session.catalog, words);
  const address = { namespace: session.namespace, name, subresource: 'scale' };
  if (expected !== undefined) {
    const { spec } = await session.client.get(resource as DiscoveredResource<Scale>, address);
    if ((spec.replicas ?? 0) !== expected) {
      throw new CommandError(
        `expected replicas to be ${expected}, was ${spec.replicas ?? 0}; nothing was changed`,
      );
    }
  }
  await session.client.patch(resource, address, 'merge', { spec: { replicas } });
  session.terminal.out(`${qualifiedName(resource, name)} scaled\n`);
}

export function registerScale(program: Command, environment: Environment): void {
  const command = program
    .command('scale')
    .description('set how many pods a deployment or replica set has')
    .argument('<what...>', 'TYPE/NAME or TYPE NAME')
    .option('--replicas <n>', 'how many pods')
    .option('--current-replicas <n>', 'only when it has so many now');
  runs(environment, command, scale);
}
