import type { Controller } from '@gantry/controller';
import type { ControllerContext } from './context.js';
import { deploymentController } from './deployment/deployment.controller.js';
import { replicaSetController } from './replica-set/replica-set.controller.js';

/** All controllers, made anew for each term of leadership. */
export function createControllers(context: ControllerContext): Controller[] {
  return [deploymentController(context), replicaSetController(context)];
}

/** Runs them until the signal aborts. */
export async function runControllers(
  controllers: readonly Controller[],
  signal: AbortSignal,
): Promise<void> {
  await Promise.all(controllers.map((controller) => controller.run(signal)));
}
