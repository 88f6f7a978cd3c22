import type { ApiObject, Node, Quantity } from '@gantry/api';
import { addQuantities, quantityBytes, quantityMillis } from '@gantry/api-machinery';
import { isReason } from '@gantry/base';
import type { ResourceType } from '@gantry/client';
import type { Command } from 'commander';
import { runs, type Environment, type Flags } from '../command-line.js';
import { formatGrid } from '../output/grid.js';
import { builtin } from '../resources/builtin.js';
import type { Session } from '../session.js';
import { CommandError } from '../usage-error.js';

interface Usage {
  readonly cpu: Quantity;
  readonly memory: Quantity;
}

export interface NodeMetrics extends ApiObject {
  readonly usage: Usage;
}

export interface PodMetrics extends ApiObject {
  readonly containers: readonly { readonly name: string; readonly usage: Usage }[];
}

const metrics = { group: 'metrics.k8s.io', version: 'v1beta1' };
const nodeMetrics: ResourceType<NodeMetrics> = {
  ...metrics,
  kind: 'NodeMetrics',
  plural: 'nodes',
  namespaced: false,
};
const podMetrics: ResourceType<PodMetrics> = {
  ...metrics,
  kind: 'PodMetrics',
  plural: 'pods',
  namespaced: true,
};

const mebibyte = 1024 * 1024;
const cpuText = (cpu: Quantity) => `${quantityMillis(cpu)}m`;
const memoryText = (memory: Quantity) => `${Math.ceil(quantityBytes(memory) / mebibyte)}Mi`;

function share(used: number, of: number): string {
  return of > 0 ? `${Math.floor((used / of) * 100)}%` : '<unknown>';
}

/** Usage of nodes, with the part of what they can give; nodes that do not report are listed too. */
export function topNodesText(usages: readonly NodeMetrics[], nodes: readonly Node[]): string {
  const rows = nodes.map(({ metadata, status }) => {
    const usage = usages.find((item) => item.metadata.name === metadata.name)?.usage;
    const name = metadata.name ?? '';
    if (!usage) return [name, '<unknown>', '<unknown>', '<unknown>', '<unknown>'];
    const { cpu = '0', memory = '0' } = status?.allocatable ?? {};
    return [
      name,
      cpuText(usage.cpu),
      share(quantityMillis(usage.cpu), quantityMillis(cpu)),
      memoryText(usage.memory),
      share(quantityBytes(usage.memory), quantityBytes(memory)),
    ];
  });
  return formatGrid([['NAME', 'CPU(cores)', 'CPU(%)', 'MEMORY(bytes)', 'MEMORY(%)'], ...rows]);
}

/** Usage of pods or, with `containers`, of each container. */
export function topPodsText(
  pods: readonly PodMetrics[],
  options: { readonly containers?: boolean; readonly namespaces?: boolean } = {},
): string {
  const rows = pods.flatMap(({ metadata, containers }) => {
    const name = [...(options.namespaces ? [metadata.namespace ?? ''] : []), metadata.name ?? ''];
    if (options.containers) {
      return containers.map((c) => [
        ...name,
        c.name,
        cpuText(c.usage.cpu),
        memoryText(c.usage.memory),
      ]);
    }
    const cpu = addQuantities('0', ...containers.map(({ usage }) => usage.cpu));
    const memory = addQuantities('0', ...containers.map(({ usage }) => usage.memory));
    return [[...name, cpuText(cpu), memoryText(memory)]];
  });
  const header = [
    ...(options.namespaces ? ['NAMESPACE'] : []),
    ...(options.containers ? ['POD', 'NAME'] : ['NAME']),
    'CPU(cores)',
    'MEMORY(bytes)',
  ];
  return formatGrid([header, ...rows]);
}

async function measured<T>(read: Promise<T>): Promise<T> {
  try {
    return await read;
  } catch (error) {
    if (!isReason(error, 'NotFound')) throw error;
    throw new CommandError(
      'there are no measurements yet; nodes report a few seconds after they join',
    );
  }
}

const sortKeys = (flags: Flags) => String(flags['sortBy'] ?? 'name');

async function topNode(session: Session, names: readonly string[], flags: Flags): Promise<void> {
  const { client, terminal } = session;
  const labelSelector = flags['selector'] as string | undefined;
  const [usages, nodes] = await Promise.all([
    measured(client.listAll(nodeMetrics)),
    client.listAll(builtin<Node>('Node'), { labelSelector }),
  ]);
  const shown = nodes.items.filter(
    ({ metadata }) => names.length === 0 || names.includes(metadata.name ?? ''),
  );
  if (shown.length === 0) return terminal.err('No nodes found.\n');
  terminal.out(topNodesText(usages.items, shown));
}

async function topPod(session: Session, names: readonly string[], flags: Flags): Promise<void> {
  const everywhere = flags['allNamespaces'] === true;
  const { items } = await measured(
    session.client.listAll(podMetrics, {
      namespace: everywhere ? undefined : session.namespace,
      labelSelector: flags['selector'] as string | undefined,
    }),
  );
  const shown = items.filter(
    ({ metadata }) => names.length === 0 || names.includes(metadata.name ?? ''),
  );
  if (shown.length === 0) {
    return session.terminal.err(
      everywhere
        ? 'No resources found.\n'
        : `No resources found in ${session.namespace} namespace.\n`,
    );
  }
  const total = ({ containers }: PodMetrics, name: 'cpu' | 'memory') =>
    quantityMillis(addQuantities('0', ...containers.map(({ usage }) => usage[name])));
  const key = sortKeys(flags);
  const sorted =
    key === 'cpu' || key === 'memory'
      ? shown.toSorted((a, b) => total(b, key) - total(a, key))
      : shown;
  const options = { containers: flags['containers'] === true, namespaces: everywhere };
  session.terminal.out(topPodsText(sorted, options));
}

export function registerTop(program: Command, environment: Environment): void {
  const top = program
    .command('top')
    .description('show what nodes and pods use, from their cgroups');
  const node = top
    .command('node')
    .alias('nodes')
    .description('usage of nodes')
    .argument('[name...]', 'names of nodes')
    .option('-l, --selector <labels>', 'only nodes with these labels');
  runs(environment, node, topNode);
  const pod = top
    .command('pod')
    .alias('pods')
    .description('usage of pods')
    .argument('[name...]', 'names of pods')
    .option('-l, --selector <labels>', 'only pods with these labels')
    .option('-A, --all-namespaces', 'in all namespaces')
    .option('--containers', 'each container for itself')
    .option('--sort-by <what>', 'cpu or memory, the greatest first');
  runs(environment, pod, topPod);
}
