import type { Deployment, ReplicaSet } from '@gantry/api';
import { formatSelector } from '@gantry/api-machinery';
import { conditionLines } from './conditions.js';
import { metadataLines } from './metadata.js';
import { templateLines } from './pod-parts.js';
import { field, section } from './section.js';

export function describeReplicaSet(replicaSet: ReplicaSet): string[] {
  const { spec, status } = replicaSet;
  return [
    ...metadataLines(replicaSet),
    ...field('Selector', formatSelector(spec.selector)),
    ...field('Replicas', `${status?.replicas ?? 0} current / ${spec.replicas ?? 0} desired`),
    ...field('Ready', String(status?.readyReplicas ?? 0)),
    ...section('Pod Template', templateLines(spec.template)),
    ...conditionLines(status?.conditions),
  ];
}

function replicasText({ spec, status = {} }: Deployment): string {
  const { updatedReplicas = 0, replicas = 0, availableReplicas = 0 } = status;
  const unavailable = status.unavailableReplicas ?? Math.max(0, replicas - availableReplicas);
  return `${spec.replicas ?? 0} desired | ${updatedReplicas} updated | ${replicas} total | ${availableReplicas} available | ${unavailable} unavailable`;
}

function replicaSetText(sets: readonly ReplicaSet[]): string {
  const texts = sets.map(({ metadata, spec, status }) => {
    return `${metadata.name} (${status?.replicas ?? 0}/${spec.replicas ?? 0} replicas created)`;
  });
  return texts.join(', ') || '<none>';
}

/** `owned` are the Deployment's ReplicaSets; the one of the present template comes first. */
export function describeDeployment(deployment: Deployment, owned: readonly ReplicaSet[]): string[] {
  const { spec, status } = deployment;
  const revision = deployment.metadata.annotations?.['deployment.kubernetes.io/revision'];
  const isNew = ({ metadata }: ReplicaSet) =>
    metadata.annotations?.['deployment.kubernetes.io/revision'] === revision;
  const { maxUnavailable, maxSurge } = spec.strategy?.rollingUpdate ?? {};
  return [
    ...metadataLines(deployment),
    ...field('Selector', formatSelector(spec.selector)),
    ...field('Replicas', replicasText(deployment)),
    ...field('Strategy', spec.strategy?.type),
    ...(maxSurge === undefined
      ? []
      : field('Bounds', `${maxUnavailable} max unavailable, ${maxSurge} max surge`)),
    ...(spec.paused ? field('Paused', 'true') : []),
    ...section('Pod Template', templateLines(spec.template)),
    ...conditionLines(status?.conditions),
    ...field(
      'Old ReplicaSets',
      replicaSetText(owned.filter((set) => !isNew(set) && set.spec.replicas !== 0)),
    ),
    ...field('New ReplicaSet', replicaSetText(owned.filter(isNew))),
  ];
}
