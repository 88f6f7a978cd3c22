import { shapeText, type NodeShape } from '../resources/node-shape.js';
import { formatGrid } from './grid.js';

/** `status` of a gantry.dev/v1 Simulation. */
export interface SimulationStatus {
  readonly fits: boolean;
  readonly pods: number;
  readonly nodeCount: number;
  /** Nodes that got pods; of so many only the first are in `nodes`. */
  readonly nodesUsed: number;
  readonly placements: readonly { readonly pod: string; readonly node: string }[];
  readonly refused: readonly {
    readonly pod: string;
    readonly message: string;
    readonly changes: readonly string[];
  }[];
  readonly preempted: readonly {
    readonly pod: string;
    readonly node: string;
    readonly by: string;
  }[];
  readonly nodes: readonly {
    readonly name: string;
    readonly pods: number;
    readonly placed: number;
    readonly requested: Readonly<Record<string, string>>;
    readonly allocatable: Readonly<Record<string, string>>;
  }[];
  readonly sizings: readonly (NodeShape & {
    readonly nodes: number;
    readonly atLeast: number;
    readonly refused: number;
  })[];
  readonly ignored: readonly string[];
}

/** Rows of each table; the rest is counted. */
const maxRows = 20;

/** `count` says how many rows there would be where not all were told. */
function grid(rows: readonly string[][], count = rows.length - 1): string {
  const [header, ...body] = rows;
  const shown = formatGrid([header!, ...body.slice(0, maxRows)]);
  const hidden = count - Math.min(maxRows, body.length);
  const told = count > body.length ? `the first ${body.length}` : 'all';
  return hidden > 0 ? `${shown}... and ${hidden} more (-o json shows ${told})\n` : shown;
}

function counted(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? '' : 's'}`;
}

/** What would become of the pods: the verdict, sizes, where, who gives way, what stays out and why. */
export function simulationText(status: SimulationStatus): string {
  const parts = [
    verdict(status),
    sizes(status),
    places(status),
    victims(status),
    refusals(status),
    status.ignored.length > 0 ? `Passed over, since they make no pods: ${names(status)}\n` : '',
  ];
  return parts.filter((part) => part !== '').join('\n');
}

function verdict({
  fits,
  pods,
  placements,
  nodeCount,
  nodesUsed,
  preempted,
}: SimulationStatus): string {
  const where = `on ${nodesUsed} of ${counted(nodeCount, 'node')}`;
  const price =
    preempted.length > 0 ? `, ${counted(preempted.length, 'pod')} would be preempted` : '';
  const which = pods === 1 ? 'The pod' : `All ${pods} pods`;
  if (fits) return `${which} would fit, ${where}${price}.\n`;
  return `${placements.length} of ${counted(pods, 'pod')} would fit, ${where}${price}; ${pods - placements.length} would not.\n`;
}

function sizes({ sizings }: SimulationStatus): string {
  if (sizings.length === 0) return '';
  const rows = sizings.map(({ nodes, atLeast, refused, ...shape }) => [
    shapeText(shape),
    String(nodes),
    atLeast > 0 ? String(atLeast) : '-',
    refused > 0 ? `${counted(refused, 'pod')} fit on none of them` : '',
  ]);
  return grid([['NODES OF', 'NEEDED', 'AT LEAST', 'NOTE'], ...rows]);
}

function places({ nodes, nodesUsed }: SimulationStatus): string {
  if (nodes.length === 0) return '';
  const use = (name: string, node: SimulationStatus['nodes'][number]) => {
    const has = node.allocatable[name];
    return has === undefined ? '-' : `${node.requested[name] ?? '0'} of ${has}`;
  };
  const rows = nodes.map((node) => [
    node.name,
    `+${node.placed}`,
    String(node.pods),
    use('cpu', node),
    use('memory', node),
  ]);
  return grid([['NODE', 'NEW', 'PODS', 'CPU', 'MEMORY'], ...rows], nodesUsed);
}

function victims({ preempted }: SimulationStatus): string {
  if (preempted.length === 0) return '';
  const rows = preempted.map(({ pod, node, by }) => [pod, node, by]);
  return grid([['PREEMPTED', 'NODE', 'BY'], ...rows]);
}

/** Pods that are refused for the same reason are told together. */
function refusals({ refused }: SimulationStatus): string {
  const byMessage = [...Map.groupBy(refused, ({ message }) => message)];
  const told = byMessage.slice(0, maxRows).map(([message, pods]) => {
    const [first] = pods;
    const others = pods.length > 1 ? ` and ${pods.length - 1} more` : '';
    const changes = first!.changes.map((change) => `  - ${change}\n`).join('');
    return `${first!.pod}${others}: ${message}\n${changes}`;
  });
  return told.join('\n');
}

function names({ ignored }: SimulationStatus): string {
  const shown = ignored.slice(0, 5).join(', ');
  return ignored.length > 5 ? `${shown} and ${ignored.length - 5} more` : shown;
}
