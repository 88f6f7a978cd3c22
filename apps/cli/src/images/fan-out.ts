import { isReason } from '@gantry/base';
import { failureOf } from '../failure-text.js';
import { objectsText, parseOutput } from '../output/objects-text.js';
import type { Flags } from '../command-line.js';
import type { Session } from '../session.js';
import { CommandError, UsageError } from '../usage-error.js';
import { ProgressLine } from './progress-line.js';
import type { Targets } from './targets.js';

/** Nodes that work at the same time at most. */
const maxAtOnce = 16;

/** What one node made of a request. */
export interface NodeOutcome<T> {
  readonly node: string;
  readonly result?: T;
  readonly error?: unknown;
}

/** Does the work on all nodes, a bounded number at once; one node's failure stops no other. */
export async function onEach<T>(
  session: Session,
  nodes: readonly string[],
  work: (node: string, line: ProgressLine) => Promise<T>,
): Promise<NodeOutcome<T>[]> {
  const line = new ProgressLine(session);
  const queue = [...nodes];
  const outcomes = new Map<string, NodeOutcome<T>>();
  const worker = async () => {
    for (let node = queue.shift(); node !== undefined; node = queue.shift()) {
      try {
        session.signal.throwIfAborted();
        outcomes.set(node, { node, result: await work(node, line) });
      } catch (error) {
        outcomes.set(node, { node, error });
      }
      line.done(node);
    }
  };
  await Promise.all(Array.from({ length: maxAtOnce }, worker));
  line.clear();
  session.signal.throwIfAborted();
  return nodes.map((node) => outcomes.get(node)!);
}

/**
 * Leaves out nodes that do not have the image, when the user named none and another has it: cluster-wide means
 * wherever it is.
 */
export function whereItIs<T>(outcomes: NodeOutcome<T>[], { named }: Targets): NodeOutcome<T>[] {
  const isAbsent = ({ error }: NodeOutcome<T>) => isReason(error, 'NotFound');
  if (named || outcomes.every(isAbsent)) return outcomes;
  return outcomes.filter((outcome) => !isAbsent(outcome));
}

/** Prints what each node did, then fails if one did not do it. `describe` gives the lines of one node's result. */
export async function report<T extends object>(
  session: Session,
  outcomes: readonly NodeOutcome<T>[],
  flags: Flags,
  describe: (result: T, node: string) => readonly string[],
): Promise<void> {
  const output = parseOutput(flags['output'] as string | undefined);
  if (output === 'name' || output === 'wide') {
    throw new UsageError(`--output: "${output}" is for gantry image ls; choose json or yaml`);
  }
  if (output) session.terminal.out(await documentText(outcomes, output));
  const failed = outcomes.filter(({ error }) => error !== undefined);
  for (const { node, result, error } of outcomes) {
    if (error !== undefined) session.terminal.err(`${node}: ${failureOf(error).text}\n`);
    else if (!output) {
      for (const text of describe(result!, node)) session.terminal.out(`${node}: ${text}\n`);
    }
  }
  if (failed.length === 0) return;
  throw new CommandError(`failed on ${failed.length} of ${outcomes.length} nodes`);
}

function documentText<T extends object>(
  outcomes: readonly NodeOutcome<T>[],
  output: 'json' | 'yaml',
): Promise<string> {
  const items = outcomes.map(({ node, result, error }) => ({
    apiVersion: 'gantry.dev/v1',
    kind: 'NodeImagesResult',
    metadata: { name: node },
    status: error === undefined ? 'Success' : 'Failure',
    ...(error === undefined ? result : { message: failureOf(error).text }),
  }));
  return objectsText(items, output, true);
}
