import type { Node } from '@gantry/api';
import { isReady } from '@gantry/api/conditions';
import type { Flags } from '../command-line.js';
import { builtin } from '../resources/builtin.js';
import { suggest } from '../resources/suggest.js';
import type { Session } from '../session.js';
import { CommandError, UsageError } from '../usage-error.js';

/** Where a command works. */
export interface Targets {
  readonly nodes: readonly string[];
  /** Named by the user rather than all that are ready. */
  readonly named: boolean;
}

/** The nodes of `--node`, or all ready ones in the order of their names. */
export async function targetsOf(session: Session, flags: Flags): Promise<Targets> {
  const named = [...new Set([flags['node'] ?? []].flat() as string[])];
  const { items } = await session.client.listAll(builtin<Node>('Node'));
  const known = items.map(({ metadata }) => metadata.name ?? '').toSorted();
  for (const name of named) {
    if (known.includes(name)) continue;
    const near = suggest(name, known);
    const hint = near ? `did you mean "${near}"?` : `there are: ${known.join(', ') || 'none'}`;
    throw new UsageError(`--node: there is no node "${name}"; ${hint}`);
  }
  if (named.length > 0) return { nodes: named, named: true };
  const ready = items.filter(isReady).map(({ metadata }) => metadata.name ?? '');
  if (ready.length > 0) return { nodes: ready.toSorted(), named: false };
  throw new CommandError('no node is ready; see gantry get nodes, or name one with --node');
}
