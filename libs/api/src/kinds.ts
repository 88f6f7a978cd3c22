import type { Kind } from '@gantry/api-machinery';
import { DeploymentKind } from './apps/deployment.js';
import { ReplicaSetKind } from './apps/replica-set.js';
import { ConfigMapKind } from './core/config-map.js';
import { EventKind } from './core/event.js';
import { NamespaceKind } from './core/namespace.js';
import { NodeKind } from './core/node.js';
import { PodKind } from './core/pod.js';
import { SecretKind } from './core/secret.js';
import { JoinTokenKind } from './gantry/join-token.js';
import { RebalanceKind } from './gantry/rebalance.js';
import { RuntimeClassKind } from './node/runtime-class.js';
import { PodDisruptionBudgetKind } from './policy/pod-disruption-budget.js';
import { PodGroupKind } from './scheduling/pod-group.js';
import { PriorityClassKind } from './scheduling/priority-class.js';
import { PersistentVolumeClaimKind } from './storage/persistent-volume-claim.js';
import { PersistentVolumeKind } from './storage/persistent-volume.js';
import { StorageClassKind } from './storage/storage-class.js';

/** All kinds that are served. A new kind is one more line here and one more file. */
export const kinds: readonly Kind[] = [
  ConfigMapKind,
  EventKind,
  NamespaceKind,
  NodeKind,
  PersistentVolumeKind,
  PersistentVolumeClaimKind,
  PodKind,
  SecretKind,
  DeploymentKind,
  ReplicaSetKind,
  RuntimeClassKind,
  JoinTokenKind,
  RebalanceKind,
  PodDisruptionBudgetKind,
  PodGroupKind,
  PriorityClassKind,
  StorageClassKind,
];
