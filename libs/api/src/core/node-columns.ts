import type { Column } from '@gantry/api-machinery';
import { ageColumn, column, nameColumn, wideColumn } from './columns.js';
import type { Node } from './node.js';

const rolePrefix = 'node-role.kubernetes.io/';

/** The word in the Status column of a node. */
export function nodeStatusText({ spec, status }: Node): string {
  const ready = status?.conditions?.find(({ type }) => type === 'Ready');
  const word = ready ? (ready.status === 'True' ? 'Ready' : 'NotReady') : 'Unknown';
  return spec.unschedulable ? `${word},SchedulingDisabled` : word;
}

function roles({ metadata }: Node): string {
  const names = Object.keys(metadata.labels ?? {})
    .filter((key) => key.startsWith(rolePrefix))
    .map((key) => key.slice(rolePrefix.length));
  return names.toSorted().join(',') || '<none>';
}

function address({ status }: Node, type: string): string {
  return status?.addresses?.find((item) => item.type === type)?.address ?? '<none>';
}

const unknown = '<unknown>';

export const nodeColumns: Column<Node>[] = [
  nameColumn,
  column('Status', 'Whether the node is ready, and whether it is cordoned.', nodeStatusText),
  column('Roles', 'Roles from its labels.', roles),
  ageColumn,
  column('Version', 'Version of the agent.', ({ status }) => {
    return status?.nodeInfo?.kubeletVersion ?? '';
  }),
  wideColumn('Internal-IP', 'Address in the cluster.', (node) => address(node, 'InternalIP')),
  wideColumn('External-IP', 'Address from outside.', (node) => address(node, 'ExternalIP')),
  wideColumn('OS-Image', 'Distribution.', ({ status }) => status?.nodeInfo?.osImage || unknown),
  wideColumn('Kernel-Version', 'Kernel.', ({ status }) => {
    return status?.nodeInfo?.kernelVersion || unknown;
  }),
  wideColumn('Container-Runtime', 'Runtime and its version.', ({ status }) => {
    return status?.nodeInfo?.containerRuntimeVersion || unknown;
  }),
];
