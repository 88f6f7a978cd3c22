import { EventKind, kinds as allKinds } from '@gantry/api';
import type { Controller, ObjectStore } from '@gantry/controller';
import type { Profile } from '@gantry/scheduler';
import type { Store } from '@gantry/store';
import { rebalanceController } from '../rebalancing/rebalance.controller.js';
import { defaultMaxMoves } from '../rebalancing/rebalance-plans.js';
import { Relocations } from '../rebalancing/relocations.js';
import { RebalanceSchedule } from '../rebalancing/schedule.js';
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
import {
  claimProtectionController,
  volumeProtectionController,
} from './volume/protection.controller.js';
import { volumeReleaseController } from './volume/volume-release.controller.js';
import { joinTokenController } from './tokens/join-token.controller.js';

export interface ControllersOptions {
  readonly store: Store;
  readonly objects: ObjectStore;
  readonly clusterCidr: string;
  readonly nodeCidrMask: number;
  readonly nodeGraceSeconds: number;
  readonly podEvictionSeconds: number;
  /** Rebalances are begun this often; never without it. */
  readonly rebalanceEveryMillis?: number | undefined;
  readonly rebalanceMaxMoves?: number;
  readonly schedulingProfile?: Profile;
}

/** Something that works until its signal aborts. */
export interface Running {
  run(signal: AbortSignal): Promise<void>;
}

/** All controllers, made anew for each term of leadership. */
export function createControllers(
  given: ControllerContext,
  options: ControllersOptions,
): Running[] {
  const { store, objects, schedulingProfile: profile } = options;
  const relocations = new Relocations();
  const context = { ...given, relocations };
  const sessions = new NodeSessions(store, context.clock, context.logger);
  // Events expire by themselves and own nothing; in memory they would only cost.
  const owning = allKinds.filter((kind) => kind !== EventKind);
  const controllers: Controller[] = [
    deploymentController(context),
    replicaSetController(context),
    disruptionController(context),
    podGroupController(context),
    reclaimController(context),
    volumeReleaseController(context),
    claimProtectionController(context, objects),
    volumeProtectionController(context),
    nodeLifecycleController(context, { ...options, sessions }),
    podCidrController(context, options),
    garbageController(context, owning),
    namespaceController(context, { objects, kinds: allKinds }),
    joinTokenController(context),
    rebalanceController(context, relocations, profile),
  ];
  return [sessions, ...controllers, ...scheduled(context, options)];
}

/** Rebalancing happens by itself only where it was asked for. */
function scheduled(context: ControllerContext, options: ControllersOptions): Running[] {
  const { rebalanceEveryMillis: everyMs, schedulingProfile: profile } = options;
  if (!everyMs) return [];
  const maxMoves = options.rebalanceMaxMoves ?? defaultMaxMoves;
  return [new RebalanceSchedule(context, { everyMs, maxMoves, ...(profile ? { profile } : {}) })];
}
