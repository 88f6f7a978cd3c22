import { randomBytes } from 'node:crypto';
import { rm } from 'node:fs/promises';
import type { Container } from '@gantry/api';
import { describeError, isReason } from '@gantry/base';
import type { Image } from '@gantry/image';
import { ContainerConfigError } from '../bundle/config-error.js';
import { VolumeError } from '../volumes/volume-error.js';
import { probeTarget } from './bundle-process.js';
import { prepareBundle, type PreparedBundle } from './container-bundle.js';
import { runHook } from './hooks.js';
import { ImagePuller } from './image-puller.js';
import type { NodeContext } from './node-context.js';
import { attemptPaths } from './paths.js';
import type { PodState } from './pod-state.js';
import { containerRecord, type Attempt } from './record.js';
import { nextBackoffMs } from './restart.js';
import { StartFailure } from './start-failure.js';

/** The exit code and reason of a container whose command could not be executed, as Kubernetes has it. */
const startErrorCode = 128;
const startErrorReason = 'StartError';

/** A start that has happened; what the container needs once it runs. */
export interface Started {
  readonly attempt: Attempt;
  readonly image: Image;
}

/** Carries a container from its image to a running process, step by step. */
export class ContainerStarter {
  private readonly puller: ImagePuller;

  constructor(
    private readonly context: NodeContext,
    onPulling: () => void,
  ) {
    this.puller = new ImagePuller(context, onPulling);
  }

  /** How far the pulls of the pod's images are, by container. */
  get pulling(): ReadonlyMap<string, { readonly message: string }> {
    return this.puller.pulling;
  }

  /**
   * Resolves when the process was started, or when it could not be executed, which counts as an exit.
   * Throws StartFailure when the attempt did not come that far; then nothing counts.
   */
  async start(state: PodState, container: Container, signal: AbortSignal): Promise<void> {
    const image = await this.puller.pull(state.pod, container, signal);
    signal.throwIfAborted();
    const attempt = this.nextAttempt(state, container, image);
    const bundle = await this.bundle(state, container, attempt, image, signal);
    signal.throwIfAborted();
    await this.adoptAttempt(state, container, attempt);
    await this.launch(state, container, attempt, bundle);
  }

  private nextAttempt(state: PodState, container: Container, image: Image): Attempt {
    const { current, last } = containerRecord(state.record, container.name);
    const number = current ?? last;
    return {
      id: randomBytes(32).toString('hex'),
      attempt: number ? number.attempt + 1 : 0,
      image: container.image ?? '',
      imageId: image.digest,
      stopSignal: image.config.StopSignal,
    };
  }

  private async bundle(
    state: PodState,
    container: Container,
    attempt: Attempt,
    image: Image,
    signal: AbortSignal,
  ): Promise<PreparedBundle> {
    const { pod, paths, record } = state;
    try {
      const sandbox = record.sandbox!;
      const request = { pod, container, attempt, image, paths, sandbox, signal };
      return await prepareBundle(request, this.context);
    } catch (error) {
      signal.throwIfAborted();
      const isConfig = error instanceof ContainerConfigError || error instanceof VolumeError;
      const reason = isConfig ? 'CreateContainerConfigError' : 'CreateContainerError';
      this.warn(state, container, 'Failed', `Error: ${describeError(error)}`);
      throw new StartFailure(reason, describeError(error), { cause: error });
    }
  }

  /** Makes the attempt the current one, on disk before anything of it exists. */
  private async adoptAttempt(
    state: PodState,
    container: Container,
    attempt: Attempt,
  ): Promise<void> {
    const record = containerRecord(state.record, container.name);
    record.backoffMs = nextBackoffMs(record, this.context.config.restartBackoffMs);
    const ended = record.current;
    if (ended) {
      const dropped = record.last;
      record.last = ended;
      record.restartCount += 1;
      this.context.metrics.restarts.inc();
      if (dropped) await this.removeLogs(state, container, dropped);
    }
    record.current = attempt;
    await state.save();
  }

  private async removeLogs(state: PodState, container: Container, attempt: Attempt): Promise<void> {
    const { log } = attemptPaths(state.paths, container.name, attempt.attempt);
    for (let index = 0; index < this.context.config.logMaxFiles; index += 1) {
      await rm(index === 0 ? log : `${log}.${index}`, { force: true });
    }
  }

  private async launch(
    state: PodState,
    container: Container,
    attempt: Attempt,
    bundle: PreparedBundle,
  ): Promise<void> {
    const { runtime, metrics } = this.context;
    const { metadata } = state.pod;
    try {
      await this.create(state, container, attempt, bundle);
      this.note(state, container, 'Created', `Created container: ${container.name}`);
      await runtime.start(attempt.id);
    } catch (error) {
      metrics.containerStarts.inc({ outcome: 'error' });
      await runtime.delete(attempt.id, { force: true });
      return this.failed(state, container, attempt, error);
    }
    metrics.containerStarts.inc({ outcome: 'ok' });
    attempt.startedAt ??= new Date(this.context.clock.now()).toISOString();
    await state.save();
    this.note(state, container, 'Started', `Started container ${container.name}`);
    this.context.logger.info(
      { pod: metadata.name, container: container.name },
      'container started',
    );
  }

  private async create(
    state: PodState,
    container: Container,
    attempt: Attempt,
    bundle: PreparedBundle,
  ): Promise<void> {
    const { config, runtime } = this.context;
    const { metadata } = state.pod;
    await runtime.createContainer({
      containerId: attempt.id,
      bundleDir: bundle.dir,
      cgroupsPath: bundle.cgroupsPath,
      ...bundle.foreign,
      logPath: attemptPaths(state.paths, container.name, attempt.attempt).log,
      logMaxBytes: config.logMaxBytes,
      logMaxFiles: config.logMaxFiles,
      stdin: container.stdin ?? false,
      terminal: container.tty ?? false,
      annotations: { pod: metadata.uid!, container: container.name },
    });
  }

  /** The runtime could not run it: the user's fault counts as an exit, the host's does not. */
  private async failed(
    state: PodState,
    container: Container,
    attempt: Attempt,
    error: unknown,
  ): Promise<void> {
    const message = describeError(error);
    this.warn(state, container, 'Failed', `Error: ${message}`);
    const record = containerRecord(state.record, container.name);
    if (isReason(error, 'ServiceUnavailable') || isReason(error, 'Timeout')) {
      // Keeps the counts as they were: this attempt never was.
      attempt.exit = undefined;
      record.current = undefined;
      await state.save();
      throw new StartFailure('CreateContainerError', message, { cause: error });
    }
    const finishedAt = new Date(this.context.clock.now()).toISOString();
    attempt.exit = { exitCode: startErrorCode, reason: startErrorReason, message, finishedAt };
    await state.save();
  }

  /** Runs postStart; false (with an event) when it failed and the container must go. */
  async postStart(state: PodState, container: Container, signal: AbortSignal): Promise<boolean> {
    const handler = container.lifecycle?.postStart;
    const attempt = state.attemptOf(container);
    if (!handler || !attempt || attempt.exit) return true;
    try {
      await runHook(handler, probeTarget(state, container, attempt), this.context, signal);
      return true;
    } catch (error) {
      if (signal.aborted) return true;
      this.warn(
        state,
        container,
        'FailedPostStartHook',
        `PostStartHook failed: ${describeError(error)}`,
      );
      return false;
    }
  }

  private note(state: PodState, container: Container, reason: string, message: string): void {
    this.context.events.emit(state.pod, {
      type: 'Normal',
      reason,
      message,
      container: container.name,
    });
  }

  private warn(state: PodState, container: Container, reason: string, message: string): void {
    this.context.events.emit(state.pod, {
      type: 'Warning',
      reason,
      message,
      container: container.name,
    });
  }
}
