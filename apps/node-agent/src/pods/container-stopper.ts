import type { Container } from '@gantry/api';
import { describeError } from '@gantry/base';
import { probeTarget } from './bundle-process.js';
import { runHook, stopSignal } from './hooks.js';
import type { NodeContext } from './node-context.js';
import type { PodState } from './pod-state.js';
import type { Attempt } from './record.js';
import { StopDeadline } from './stop-deadline.js';

/** How long a killed container may take to be gone, in milliseconds; beyond it the kill is repeated. */
const killWaitMs = 10_000;

/** Ends containers: preStop, the stop signal, and at the deadline SIGKILL for the whole container. */
export class ContainerStopper {
  constructor(private readonly context: NodeContext) {}

  /** Resolves when the exit has been recorded; throws when the container would not die. */
  async stop(
    state: PodState,
    container: Container,
    deadline: StopDeadline,
    message: string,
  ): Promise<void> {
    const attempt = state.attemptOf(container);
    if (!attempt || attempt.exit) return;
    const event = {
      type: 'Normal',
      reason: 'Killing',
      message,
      container: container.name,
    } as const;
    this.context.events.emit(state.pod, event);
    const exited = state.exited(attempt.id);
    await this.preStop(state, container, attempt, deadline);
    if (deadline.remainingMs > 0) {
      await this.context.runtime.kill(attempt.id, stopSignal(container, attempt.stopSignal), {
        reason: message,
      });
      if (await deadline.reached(exited)) return;
    }
    await this.kill(attempt, exited, message);
  }

  private async kill(attempt: Attempt, exited: Promise<void>, message: string): Promise<void> {
    const { runtime, clock } = this.context;
    await runtime.kill(attempt.id, 'SIGKILL', {
      all: true,
      reason: `${message}; its time to end by itself was over`,
    });
    const patience = new StopDeadline(clock, clock.now() + killWaitMs);
    if (await patience.reached(exited)) return;
    throw new Error(`container ${attempt.id} is still there ${killWaitMs / 1000} s after SIGKILL`);
  }

  private async preStop(
    state: PodState,
    container: Container,
    attempt: Attempt,
    deadline: StopDeadline,
  ): Promise<void> {
    const handler = container.lifecycle?.preStop;
    if (!handler || deadline.remainingMs === 0) return;
    const abort = new AbortController();
    const target = probeTarget(state, container, attempt);
    const hook = runHook(handler, target, this.context, abort.signal).catch((error: unknown) => {
      if (abort.signal.aborted) return;
      const message = `PreStopHook failed: ${describeError(error)}`;
      const reason = 'FailedPreStopHook';
      this.context.events.emit(state.pod, {
        type: 'Warning',
        reason,
        message,
        container: container.name,
      });
    });
    // A container that ends by itself makes its hook pointless.
    await deadline.reached(Promise.race([hook, state.exited(attempt.id)]));
    abort.abort(new Error('the hook took longer than the grace period'));
  }
}
