import type { Container, Pod } from '@gantry/api';
import type { PodPaths } from './paths.js';
import { roleOf, type Role } from './restart.js';
import { writeJson, type Attempt, type PodRecord } from './record.js';

/** A container of the pod with one of its attempts. */
export interface FoundAttempt {
  readonly container: Container;
  readonly role: Role;
  readonly attempt: Attempt;
}

/** The orders for a pod and what came of them, on disk and in memory. */
export class PodState {
  private lastWrite: Promise<void> = Promise.resolve();
  private queuedWrite?: Promise<void>;
  private isSealed = false;
  private readonly exitWaiters = new Map<string, () => void>();
  private readonly exits = new Map<string, Promise<void>>();

  constructor(
    public pod: Pod,
    readonly record: PodRecord,
    readonly paths: PodPaths,
  ) {}

  get containers(): { container: Container; role: Role }[] {
    const inits = (this.pod.spec.initContainers ?? []).map((container) => ({
      container,
      role: roleOf(container, true),
    }));
    return [
      ...inits,
      ...this.pod.spec.containers.map((c) => ({ container: c, role: 'main' as const })),
    ];
  }

  /** The current attempt with this container id. */
  find(containerId: string): FoundAttempt | undefined {
    for (const { container, role } of this.containers) {
      const attempt = this.record.containers[container.name]?.current;
      if (attempt?.id === containerId) return { container, role, attempt };
    }
    return undefined;
  }

  attemptOf(container: Container): Attempt | undefined {
    return this.record.containers[container.name]?.current;
  }

  /** Resolves once the record as it is now is on disk; writes asked for meanwhile become one. */
  save(): Promise<void> {
    if (this.isSealed) return Promise.resolve();
    this.queuedWrite ??= this.lastWrite.then(() => {
      this.queuedWrite = undefined;
      this.lastWrite = writeJson(this.paths.recordFile, this.record);
      return this.lastWrite;
    });
    return this.queuedWrite.catch((error: unknown) => {
      // The next write must not fail for this one's reason.
      this.lastWrite = Promise.resolve();
      throw error;
    });
  }

  async savePod(): Promise<void> {
    if (!this.isSealed) await writeJson(this.paths.podFile, this.pod);
  }

  /** Writes nothing any more, so that the directory can go; waits for writes under way. */
  async seal(): Promise<void> {
    this.isSealed = true;
    await Promise.allSettled([this.queuedWrite, this.lastWrite]);
  }

  /** Resolves when the exit of this container has been recorded. */
  exited(containerId: string): Promise<void> {
    const known = this.exits.get(containerId);
    if (known) return known;
    const found = this.find(containerId);
    if (!found || found.attempt.exit) return Promise.resolve();
    const { promise, resolve } = Promise.withResolvers<void>();
    this.exits.set(containerId, promise);
    this.exitWaiters.set(containerId, resolve);
    return promise;
  }

  noteExit(containerId: string): void {
    this.exitWaiters.get(containerId)?.();
    this.exitWaiters.delete(containerId);
    this.exits.delete(containerId);
  }
}
