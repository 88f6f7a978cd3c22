import type { Deployment } from '@gantry/api';
import { follow } from '@gantry/client';
import { builtin } from '../resources/builtin.js';
import type { Session } from '../session.js';
import { CommandError } from '../usage-error.js';

/** How a rollout stands, as one sentence; `done` when there is nothing left to wait for. */
export interface Progress {
  readonly done: boolean;
  readonly failed?: boolean;
  readonly message: string;
}

export function rolloutProgress({ metadata, spec, status = {} }: Deployment): Progress {
  const { name } = metadata;
  const waiting = (what: string): Progress => ({
    done: false,
    message: `Waiting for deployment "${name}" rollout to finish: ${what}...`,
  });
  if ((metadata.generation ?? 0) > (status.observedGeneration ?? 0)) {
    return { done: false, message: 'Waiting for deployment spec update to be observed...' };
  }
  const progressing = status.conditions?.find(({ type }) => type === 'Progressing');
  if (progressing?.reason === 'ProgressDeadlineExceeded') {
    const why = progressing.message ? `: ${progressing.message}` : '';
    return {
      done: true,
      failed: true,
      message: `deployment "${name}" exceeded its progress deadline${why}`,
    };
  }
  const wanted = spec.replicas ?? 1;
  const { updatedReplicas = 0, replicas = 0, availableReplicas = 0 } = status;
  if (updatedReplicas < wanted) {
    return waiting(`${updatedReplicas} out of ${wanted} new replicas have been updated`);
  }
  if (replicas > updatedReplicas) {
    return waiting(`${replicas - updatedReplicas} old replicas are pending termination`);
  }
  if (availableReplicas < updatedReplicas) {
    return waiting(`${availableReplicas} of ${updatedReplicas} updated replicas are available`);
  }
  return { done: true, message: `deployment "${name}" successfully rolled out` };
}

export interface WaitOptions {
  readonly watch: boolean;
  readonly timeoutMs?: number;
}

/** Prints each step of the rollout until it is done; fails when it failed or took too long. */
export async function waitForRollout(
  session: Session,
  deployment: Deployment,
  { watch, timeoutMs }: WaitOptions,
): Promise<void> {
  const { terminal } = session;
  const deadline = timeoutMs ? AbortSignal.timeout(timeoutMs) : undefined;
  const signal = deadline ? AbortSignal.any([session.signal, deadline]) : session.signal;
  const { namespace, name } = deployment.metadata;
  const resource = builtin<Deployment>('Deployment');
  let said = '';
  const say = (progress: Progress): boolean => {
    if (progress.failed) throw new CommandError(progress.message);
    if (progress.message !== said) terminal.out(`${progress.message}\n`);
    said = progress.message;
    return progress.done;
  };
  if (say(rolloutProgress(deployment)) || !watch) return;
  const scope = { namespace, fieldSelector: `metadata.name=${name}`, signal };
  try {
    for await (const change of follow(session.client, resource, scope)) {
      if (change.type === 'DELETED') throw new CommandError(`deployment "${name}" was deleted`);
      if (say(rolloutProgress(change.object))) return;
    }
  } catch (error) {
    if (error instanceof CommandError || !signal.aborted) throw error;
  }
  if (deadline?.aborted) {
    throw new CommandError(
      `timed out waiting for the rollout of deployment "${name}"; \`gantry describe deployment/${name}\` says what is in the way`,
    );
  }
}
