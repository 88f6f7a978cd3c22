import { PodKind, type ApiObject, type Pod } from '@gantry/api';
import type { Informer, Informers } from '@gantry/controller';
import { controllerOf } from './ownership.js';

const byOwner = 'controller';
const byNode = 'node';

/** Pods that nobody manages are found under their namespace. */
const unmanaged = (namespace: string | undefined) => `none/${namespace ?? ''}`;

/** Objects by the uid of the owner that manages them, or as unmanaged ones of their namespace. */
export function indexByOwner<T extends ApiObject>(informer: Informer<T>): Informer<T> {
  informer.addIndex(byOwner, (object) => [
    controllerOf(object)?.uid ?? unmanaged(object.metadata.namespace),
  ]);
  return informer;
}

/** Managed by the owner, or free for it to take. */
export function candidatesFor<T extends ApiObject>(informer: Informer<T>, owner: ApiObject): T[] {
  return [
    ...informer.byIndex(byOwner, owner.metadata.uid!),
    ...informer.byIndex(byOwner, unmanaged(owner.metadata.namespace)),
  ];
}

/** The pod informer with the indexes that controllers use. */
export function podInformer(informers: Informers): Informer<Pod> {
  const informer = indexByOwner(informers.for(PodKind));
  informer.addIndex(byNode, (pod) => (pod.spec.nodeName ? [pod.spec.nodeName] : []));
  return informer;
}

export function podsOnNode(informer: Informer<Pod>, node: string): Pod[] {
  return informer.byIndex(byNode, node);
}
