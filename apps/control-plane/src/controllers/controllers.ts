import { EventKind, kinds as allKinds } from '@gantry/api';
import type { Controller, ObjectStore } from '@gantry/controller';
import type { Store } from '@gantry/store';
import type { ControllerContext } from './context.js';
import { deploymentController } from './deployment/deployment.controller.js';
import { disruptionController } from './disruption/disruption.controller.js';
import { garbageController } from './garbage/garbage.controller.js';
import { namespaceController } from './namespace/namespace.controller.js';
import { nodeLifecycleController } from './node/node-lifecycle.controller.js';
import { NodeSessions } from './node/node-sessions.js';
import { podCidrController } from './node/pod-cidr.controller.js';
import { podGroupController } from './pod-group/pod-group.controller.js';
import { reclaimController } from './reclaim/reclaim.controller.js';
import { replicaSetController } from './replica-set/replica-set.controller.js';
import { joinTokenController } from './tokens/join-token.controller.js';

export interface ControllersOptions {
  readonly store: Store;
  readonly objects: ObjectStore;
  readonly clusterCidr: string;
  readonly nodeCidrMask: number;
  readonly nodeGraceSeconds: number;
  readonly podEvictionSeconds: number;
}

/** Something that works until its signal aborts. */
export interface Running {
  run(signal: AbortSignal): Promise<void>;
}

/** All controllers, made anew for each term of leadership. */
export function createControllers(
  context: ControllerContext,
  options: ControllersOptions,
): Running[] {
  const { store, objects } = options;
  const sessions = new NodeSessions(store, context.clock, context.logger);
  // Events expire by themselves and own nothing; in memory they would only cost.
  const owning = allKinds.filter((kind) => kind !== EventKind);
  const controllers: Controller[] = [
    deploymentController(context),
    replicaSetController(context),
    disruptionController(context),
    podGroupController(context),
    reclaimController(context),
    nodeLifecycleController(context, { ...options, sessions }),
    podCidrController(context, options),
    garbageController(context, owning),
    namespaceController(context, { objects, kinds: allKinds }),
    joinTokenController(context),
  ];
  return [sessions, ...controllers];
}
