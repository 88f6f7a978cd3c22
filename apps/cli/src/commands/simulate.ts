import { InvalidArgumentError, type Command } from 'commander';
import { runs, type Environment, type Flags } from '../command-line.js';
import { readManifests } from '../manifests/read.js';
import { simulationText, type SimulationStatus } from '../output/simulation-text.js';
import { parseShape, type NodeShape } from '../resources/node-shape.js';
import type { Session } from '../session.js';
import { CommandError, UsageError } from '../usage-error.js';

const path = '/apis/gantry.dev/v1/simulations';
/** Simulations of large clusters take longer than other requests. */
const timeoutMs = 300_000;

/** What the server is asked, from the flags. */
async function specOf(session: Session, flags: Flags): Promise<object> {
  const files = (flags['filename'] as string[] | undefined) ?? [];
  const nodes = (flags['nodes'] as NodeShape[] | undefined) ?? [];
  if (flags['beside'] && nodes.length === 0) {
    throw new UsageError('--beside says where the nodes of --nodes stand: give --nodes too');
  }
  const recursive = flags['recursive'] === true;
  const manifests = await readManifests(session.terminal, files, recursive);
  const dump = flags['cluster'] as string | undefined;
  const cluster = dump && (await readManifests(session.terminal, [dump], false));
  if (cluster && nodes.length === 0 && !cluster.some(({ object }) => object.kind === 'Node')) {
    const how = 'gantry get nodes,pods -A -o json';
    throw new UsageError(`--cluster ${dump}: it holds no Node; make the dump with: ${how}`);
  }
  return {
    objects: manifests.map(({ object }) => object),
    namespace: session.namespace,
    nodes,
    beside: flags['beside'] === true,
    ...(cluster ? { cluster: cluster.map(({ object }) => object) } : {}),
  };
}

async function simulate(session: Session, _: readonly string[], flags: Flags): Promise<void> {
  if (flags['output'] !== undefined && flags['output'] !== 'json') {
    throw new UsageError(`-o ${String(flags['output'])}: simulate prints text or json`);
  }
  const spec = await specOf(session, flags);
  const body = { apiVersion: 'gantry.dev/v1', kind: 'Simulation', metadata: {}, spec };
  const simulation = await session.client.request<{ status: SimulationStatus }>({
    method: 'POST',
    path,
    body,
    timeoutMs,
  });
  const { terminal } = session;
  const { status } = simulation;
  const isJson = flags['output'] === 'json';
  terminal.out(isJson ? `${JSON.stringify(simulation, null, 4)}\n` : simulationText(status));
  // All is said; scripts ask the exit code.
  if (!status.fits) throw new CommandError('');
}

function collectShape(text: string, before: NodeShape[] = []): NodeShape[] {
  try {
    return [...before, parseShape(text)];
  } catch (error) {
    throw new InvalidArgumentError((error as Error).message);
  }
}

const collect = (text: string, before: string[] = []) => [...before, text];

export function registerSimulate(program: Command, environment: Environment): void {
  const command = program
    .command('simulate')
    .description(
      'tell what would become of manifests: where they fit, what they preempt, what they need',
    )
    .option('-f, --filename <file>', 'file, folder or - for stdin; may be repeated', collect)
    .option('-R, --recursive', 'also look below folders')
    .option(
      '--nodes <shape>',
      "on nodes such as 8cpu,32Gi instead of the cluster's: as many as needed, or 10x8cpu,32Gi; may be repeated",
      collectShape,
    )
    .option('--beside', "those nodes stand beside the cluster's")
    .option('--cluster <file>', 'for the cluster take this dump (get nodes,pods -A -o json)')
    .option('-o, --output <format>', 'json');
  runs(environment, command, simulate);
}
