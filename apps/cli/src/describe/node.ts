import type { Node, Pod, ResourceList } from '@gantry/api';
import {
  addQuantities,
  bytesToQuantity,
  millisToQuantity,
  quantityBytes,
  quantityMillis,
} from '@gantry/api-machinery';
import { formatGrid } from '../output/grid.js';
import { conditionLines } from './conditions.js';
import { metadataLines } from './metadata.js';
import { field, pairs, section } from './section.js';

type Kind = 'requests' | 'limits';

/** The sum of a resource over the pod's containers; an init container counts when it needs more. */
function podSum({ spec }: Pod, kind: Kind, name: string): string {
  const amounts = spec.containers.map(({ resources }) => resources?.[kind]?.[name] ?? '0');
  const sum = addQuantities('0', ...amounts);
  const initial = (spec.initContainers ?? []).map(
    ({ resources }) => resources?.[kind]?.[name] ?? '0',
  );
  return initial.reduce((most, amount) => {
    return quantityMillis(amount) > quantityMillis(most) ? amount : most;
  }, sum);
}

function amountText(name: string, amount: string): string {
  if (name === 'cpu') return millisToQuantity(quantityMillis(amount));
  return bytesToQuantity(quantityBytes(amount));
}

function share(amount: string, of: string | undefined): string {
  if (of === undefined || quantityMillis(of) === 0) return '';
  return ` (${Math.floor((quantityMillis(amount) / quantityMillis(of)) * 100)}%)`;
}

function podLines(pods: readonly Pod[], allocatable: ResourceList): string[] {
  const cell = (pod: Pod, kind: Kind, name: string) => {
    const amount = podSum(pod, kind, name);
    return `${amountText(name, amount)}${share(amount, allocatable[name])}`;
  };
  const rows = pods.map((pod) => [
    pod.metadata.namespace ?? '',
    pod.metadata.name ?? '',
    cell(pod, 'requests', 'cpu'),
    cell(pod, 'limits', 'cpu'),
    cell(pod, 'requests', 'memory'),
    cell(pod, 'limits', 'memory'),
  ]);
  const header = [
    'Namespace',
    'Name',
    'CPU Requests',
    'CPU Limits',
    'Memory Requests',
    'Memory Limits',
  ];
  return formatGrid([header, ...rows])
    .trimEnd()
    .split('\n');
}

function allocatedLines(pods: readonly Pod[], allocatable: ResourceList): string[] {
  const names = new Set(['cpu', 'memory', ...Object.keys(allocatable)]);
  names.delete('pods');
  const total = (kind: Kind, name: string) => {
    const amount = addQuantities('0', ...pods.map((pod) => podSum(pod, kind, name)));
    return `${amountText(name, amount)}${share(amount, allocatable[name])}`;
  };
  const rows = [...names].map((name) => [name, total('requests', name), total('limits', name)]);
  return formatGrid([['Resource', 'Requests', 'Limits'], ...rows])
    .trimEnd()
    .split('\n');
}

/** `pods` are those on the node that have not ended. */
export function describeNode(node: Node, pods: readonly Pod[]): string[] {
  const { spec, status = {} } = node;
  const { capacity = {}, allocatable = {}, nodeInfo, addresses = [] } = status;
  const taints = (spec.taints ?? []).map(({ key, value, effect }) => {
    return `${key}${value ? `=${value}` : ''}:${effect}`;
  });
  const info = nodeInfo && [
    ...field('Machine ID', nodeInfo.machineID),
    ...field('Boot ID', nodeInfo.bootID),
    ...field('Kernel Version', nodeInfo.kernelVersion),
    ...field('OS Image', nodeInfo.osImage),
    ...field('Architecture', nodeInfo.architecture),
    ...field('Runtime', nodeInfo.containerRuntimeVersion),
    ...field('Agent Version', nodeInfo.kubeletVersion),
  ];
  return [
    ...metadataLines(node),
    ...field('Taints', taints),
    ...field('Unschedulable', String(spec.unschedulable ?? false)),
    ...conditionLines(status.conditions),
    ...section(
      'Addresses',
      addresses.flatMap(({ type, address }) => field(type, address)),
    ),
    ...section('Capacity', pairs(capacity, ': ')),
    ...section('Allocatable', pairs(allocatable, ': ')),
    ...section('System Info', info ?? []),
    ...field('PodCIDR', spec.podCIDR),
    ...section(`Pods (${pods.length} in total)`, podLines(pods, allocatable)),
    ...section('Allocated resources', allocatedLines(pods, allocatable)),
  ];
}
