import { PassThrough } from 'node:stream';
import { setTimeout as pause } from 'node:timers/promises';
import { GantryError, notFound } from '@gantry/base';
import { booleanOf, watchMs } from '../http/query.js';
import type { ComputedResource, SubresourceRequest } from './registry.js';

/** Group, version, kind, plural, and whether it is namespaced. */
type Absent = readonly [string, string, string, string, boolean];

/**
 * Kinds of Kubernetes that are not served, of which some clients want a list before they do anything: kube-scheduler
 * starts when it has seen all that it could ever look at, and kubectl reads custom resource definitions before it
 * tells a user that a kind is unknown (else the user is told of a missing list instead of the mistyped kind).
 */
const absent: readonly Absent[] = [
  ['', 'v1', 'ReplicationController', 'replicationcontrollers', true],
  ['', 'v1', 'Service', 'services', true],
  ['apiextensions.k8s.io', 'v1', 'CustomResourceDefinition', 'customresourcedefinitions', false],
  ['apps', 'v1', 'StatefulSet', 'statefulsets', true],
  ['storage.k8s.io', 'v1', 'CSIDriver', 'csidrivers', false],
  ['storage.k8s.io', 'v1', 'CSINode', 'csinodes', false],
  ['storage.k8s.io', 'v1', 'CSIStorageCapacity', 'csistoragecapacities', true],
  ['storage.k8s.io', 'v1', 'VolumeAttachment', 'volumeattachments', false],
];

/** Lists and watches that are empty for ever. Discovery does not name them: nobody shall take them for served. */
export const absentKinds: readonly ComputedResource[] = absent.map(
  ([group, version, kind, plural, namespaced]) => {
    const list = {
      kind: `${kind}List`,
      apiVersion: group ? `${group}/${version}` : version,
      metadata: { resourceVersion: '1' },
      items: [],
    };
    const singular = kind.toLowerCase();
    const names = { group, version, kind, plural, singular, namespaced };
    const handle = async (request: SubresourceRequest) => {
      if (request.name) throw notFound({ kind: plural, group, name: request.name });
      return booleanOf(request.query, 'watch') ? silence(request) : { json: list };
    };
    return { ...names, verbs: ['get', 'list'], hidden: true, handle };
  },
);

/** A watch on which nothing ever happens. */
function silence({ query, signal }: SubresourceRequest) {
  if (booleanOf(query, 'sendInitialEvents')) {
    const message = 'sendInitialEvents is not served for this kind: list it first, then watch';
    throw new GantryError('Invalid', message);
  }
  const stream = new PassThrough();
  const end = () => stream.end();
  void pause(watchMs(query), undefined, { signal, ref: false }).then(end, end);
  return { stream, contentType: 'application/json' };
}
