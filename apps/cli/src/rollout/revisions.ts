import type { Deployment, ReplicaSet } from '@gantry/api';
import { formatSelector } from '@gantry/api-machinery';
import { builtin } from '../resources/builtin.js';
import type { Session } from '../session.js';

export const revisionAnnotation = 'deployment.kubernetes.io/revision';

export interface Revision {
  readonly number: number;
  readonly replicaSet: ReplicaSet;
}

/** The revisions of a Deployment that its ReplicaSets still hold, oldest first. */
export async function revisionsOf(session: Session, deployment: Deployment): Promise<Revision[]> {
  const { namespace, uid } = deployment.metadata;
  const { items } = await session.client.listAll(builtin<ReplicaSet>('ReplicaSet'), {
    namespace,
    labelSelector: formatSelector(deployment.spec.selector),
  });
  return items
    .filter(({ metadata }) => metadata.ownerReferences?.some((owner) => owner.uid === uid))
    .map((replicaSet) => ({
      number: Number(replicaSet.metadata.annotations?.[revisionAnnotation] ?? 0),
      replicaSet,
    }))
    .filter(({ number }) => number > 0)
    .toSorted((a, b) => a.number - b.number);
}
