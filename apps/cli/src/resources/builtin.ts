import type { ApiObject } from '@gantry/api';
import type { DiscoveredResource } from '@gantry/client';

type Row = readonly [
  plural: string,
  kind: string,
  shortNames: string,
  namespaced: boolean,
  categories?: string,
];

// Known ahead, so that the usual commands need no discovery; a spec holds it against the kinds.
const rows: Readonly<Record<string, readonly Row[]>> = {
  '/v1': [
    ['pods', 'Pod', 'po', true, 'all'],
    ['nodes', 'Node', 'no', false],
    ['namespaces', 'Namespace', 'ns', false],
    ['configmaps', 'ConfigMap', 'cm', true],
    ['secrets', 'Secret', '', true],
    ['events', 'Event', 'ev', true],
    ['persistentvolumes', 'PersistentVolume', 'pv', false],
    ['persistentvolumeclaims', 'PersistentVolumeClaim', 'pvc', true],
  ],
  'apps/v1': [
    ['deployments', 'Deployment', 'deploy', true, 'all'],
    ['replicasets', 'ReplicaSet', 'rs', true, 'all'],
  ],
  'node.k8s.io/v1': [['runtimeclasses', 'RuntimeClass', '', false]],
  'policy/v1': [['poddisruptionbudgets', 'PodDisruptionBudget', 'pdb', true]],
  'scheduling.k8s.io/v1': [['priorityclasses', 'PriorityClass', 'pc', false]],
  'scheduling.x-k8s.io/v1alpha1': [['podgroups', 'PodGroup', 'pg', true]],
  'storage.k8s.io/v1': [['storageclasses', 'StorageClass', 'sc', false]],
  'gantry.dev/v1': [
    ['jointokens', 'JoinToken', 'jt', false],
    ['rebalances', 'Rebalance', '', false],
  ],
};

const verbs = ['create', 'delete', 'get', 'list', 'patch', 'update', 'watch'];

/** The resources that this program knows without asking the server. */
export const builtinResources: readonly DiscoveredResource[] = Object.entries(rows).flatMap(
  ([groupVersion, members]) => {
    const [group = '', version = ''] = groupVersion.split('/');
    return members.map(([plural, kind, shortNames, namespaced, categories]) => ({
      group,
      version,
      kind,
      plural,
      singular: kind.toLowerCase(),
      namespaced,
      shortNames: shortNames ? shortNames.split(',') : [],
      categories: categories ? [categories] : [],
      verbs,
    }));
  },
);

/** The resource of a kind that is known ahead; `T` says what its objects are. */
export function builtin<T extends ApiObject = ApiObject>(kind: string): DiscoveredResource<T> {
  const found = builtinResources.find((resource) => resource.kind === kind);
  if (!found) throw new Error(`${kind} is not built in`);
  return found as DiscoveredResource<T>;
}
