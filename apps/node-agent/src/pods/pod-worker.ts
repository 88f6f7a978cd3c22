import type { Container, Pod, PodStatus, Probe } from '@gantry/api';
import { describeError } from '@gantry/base';
import type { ExitRecord } from '@gantry/runtime-client';
import { check } from '../probes/check.js';
import { Prober } from '../probes/prober.js';
import { probeTarget } from './bundle-process.js';
import { ContainerStarter } from './container-starter.js';
import { ContainerStopper } from './container-stopper.js';
import { attemptExit } from './exit.js';
import type { NodeContext } from './node-context.js';
import { attemptPaths } from './paths.js';
import {
  isFinished,
  planPod,
  wholePod,
  type Action,
  type PodView,
  type StopRequest,
} from './plan.js';
import { PodSandbox } from './pod-sandbox.js';
import type { PodState } from './pod-state.js';
import { isRunning, type Attempt } from './record.js';
import { Retries } from './retries.js';
import { podStatus } from './status.js';
import { type DiskLimit, diskLimits } from '../volumes/disk-usage.js';
import { StopDeadline } from './stop-deadline.js';
import { layersProgram } from '../snapshots/layers-program.js';
import { removeTree } from '../snapshots/remove-tree.js';

/** Who hears of a worker's doings. */
export interface WorkerListener {
  onStatus(worker: PodWorker, status: PodStatus): void;
  /** Nothing of the pod is left on the host. */
  onGone(worker: PodWorker): void;
}

/** Kubernetes' default for terminationGracePeriodSeconds. */
const defaultGraceSeconds = 30;

/**
 * One pod on this host. Level-triggered: whatever happens, it looks at orders and observations, plans
 * and begins what is due; nothing is remembered that is not on disk or cannot be observed again.
 */
export class PodWorker {
  private readonly starter: ContainerStarter;
  private readonly stopper: ContainerStopper;
  private readonly sandbox: PodSandbox;
  private readonly retries: Retries;
  private readonly busy = new Map<string, Promise<void>>();
  private readonly probers = new Map<string, Prober>();
  private readonly stopRequests = new Map<string, StopRequest>();
  private readonly endingExits = new Set<string>();
  private readonly startAbort = new AbortController();
  private deadline?: StopDeadline;
  private leaving = false;
  private isGone = false;
  private isClosed = false;
  private wakeQueued = false;
  private cancelTimer = () => {};
  private reported = '';

  constructor(
    readonly state: PodState,
    private readonly context: NodeContext,
    private readonly listener: WorkerListener,
  ) {
    this.starter = new ContainerStarter(context, () => this.wake());
    this.stopper = new ContainerStopper(context);
    this.sandbox = new PodSandbox(context);
    this.retries = new Retries(context, () => this.wake());
    state.record.startTime ??= new Date(context.clock.now()).toISOString().replace(/\.\d+Z$/, 'Z');
  }

  get uid(): string {
    return this.state.record.uid;
  }

  get gone(): boolean {
    return this.isGone;
  }

  /** New orders of this or a later generation. */
  update(pod: Pod): void {
    this.state.pod = pod;
    this.begin('/orders', () => this.state.savePod());
    if (pod.metadata.deletionTimestamp) this.leave(pod.metadata.deletionGracePeriodSeconds);
    this.wake();
  }

  /** Stops the pod for good, gracefully, and removes it from the host. A shorter grace may follow. */
  leave(graceSeconds = this.graceSeconds): void {
    this.leaving = true;
    this.stopWithin(graceSeconds);
    this.wake();
  }

  /** A ConfigMap or Secret of the pod's namespace has changed. */
  resourceChanged(): void {
    this.retries.clear();
    if (!isFinished(this.state.pod, this.state.record) && !this.leaving) {
      this.begin('/volumes', () => this.sandbox.refresh(this.state));
    }
    this.wake();
  }

  /** The latest status, for a control plane that has just connected. */
  currentStatus(): PodStatus {
    return this.computeStatus();
  }

  /** Looks after the probes of containers that an earlier agent has started. */
  resume(): void {
    for (const { container } of this.state.containers) {
      const attempt = this.state.attemptOf(container);
      if (attempt && isRunning(attempt)) this.probe(container, attempt);
    }
    this.wake();
  }

  /** Records an exit; told at least once for each. */
  exited(exit: ExitRecord): void {
    const found = this.state.find(exit.containerId);
    if (!found || this.endingExits.has(exit.containerId)) return;
    this.endingExits.add(exit.containerId);
    this.stopProbing(found.container);
    const { container, attempt } = found;
    this.begin(`/exit/${exit.containerId}`, () => this.finish(container, attempt, exit));
  }

  /** Stops deciding; what runs in containers runs on. */
  async close(): Promise<void> {
    this.isClosed = true;
    this.cancelTimer();
    for (const prober of this.probers.values()) prober.stop();
    this.startAbort.abort(new Error('the agent is stopping'));
    await Promise.allSettled(this.busy.values());
    await this.state.save().catch(() => undefined);
  }

  /** Looks at everything again soon; any number of calls become one look. */
  wake(): void {
    if (this.wakeQueued || this.isGone || this.isClosed) return;
    this.wakeQueued = true;
    setImmediate(() => {
      this.wakeQueued = false;
      if (!this.isClosed && !this.isGone) this.look();
    });
  }

  private get graceSeconds(): number {
    return this.state.pod.spec.terminationGracePeriodSeconds ?? defaultGraceSeconds;
  }

  private look(): void {
    const overMs = this.checkActiveDeadline();
    const plan = planPod(this.view());
    for (const action of plan.actions) {
      const key = 'container' in action ? action.container.name : wholePod;
      this.begin(key, () => this.execute(action));
    }
    this.report();
    this.cancelTimer();
    const wakeAtMs = Math.min(plan.wakeAtMs ?? Infinity, overMs ?? Infinity);
    if (wakeAtMs === Infinity) return;
    const delayMs = Math.min(wakeAtMs - this.context.clock.now(), 2 ** 31 - 1);
    this.cancelTimer = this.context.clock.after(Math.max(0, delayMs), () => this.wake());
  }

  private view(): PodView {
    const { pod, record } = this.state;
    return {
      pod,
      record,
      nowMs: this.context.clock.now(),
      busy: new Set(this.busy.keys()),
      leaving: this.leaving,
      retryAtMs: this.retries.retryAtMs,
      stopRequests: this.stopRequests,
    };
  }

  /** Sets the outcome when activeDeadlineSeconds has passed; else says when it will, in epoch ms. */
  private checkActiveDeadline(): number | undefined {
    const { pod, record } = this.state;
    const seconds = pod.spec.activeDeadlineSeconds;
    if (seconds === undefined || isFinished(pod, record)) return undefined;
    const endMs = Date.parse(record.startTime!) + seconds * 1000;
    if (endMs > this.context.clock.now()) return endMs;
    this.fail('DeadlineExceeded', 'Pod was active on the node longer than the specified deadline');
    return undefined;
  }

  /** What it may hold on disk; nothing once it is over. */
  diskLimits(): readonly DiskLimit[] {
    const { pod, record, paths } = this.state;
    if (this.leaving || isFinished(pod, record)) return [];
    return diskLimits(pod, record, paths);
  }

  /** Evicts the pod for what it holds on disk. */
  evict(message: string): void {
    if (!this.isGone && !this.leaving) this.fail('Evicted', message);
  }

  /** Ends the pod as Failed: what runs is stopped, nothing is started again. */
  fail(reason: string, message: string): void {
    if (this.state.record.outcome || isFinished(this.state.pod, this.state.record)) return;
    this.state.record.outcome = { reason, message };
    this.context.events.emit(this.state.pod, { type: 'Warning', reason, message });
    this.stopWithin(this.graceSeconds);
    this.wake();
  }

  private stopWithin(graceSeconds: number): void {
    const endMs = this.context.clock.now() + graceSeconds * 1000;
    if (this.deadline) this.deadline.bringForward(endMs);
    else this.deadline = new StopDeadline(this.context.clock, endMs);
    this.startAbort.abort(new Error('the pod is being stopped'));
  }

  private begin(key: string, operation: () => Promise<void>): void {
    const running = (this.busy.get(key) ?? Promise.resolve())
      .then(operation)
      .then(() => this.retries.succeeded(key))
      .catch((error: unknown) => this.failed(key, error))
      .finally(() => {
        if (this.busy.get(key) === running) this.busy.delete(key);
        this.wake();
      });
    this.busy.set(key, running);
  }

  private failed(key: string, error: unknown): void {
    if (this.isClosed || error === this.startAbort.signal.reason) return;
    const { name, namespace } = this.state.pod.metadata;
    const fields = { pod: `${namespace}/${name}`, at: key, err: describeError(error) };
    this.context.logger.warn(fields, 'pod operation failed; it will be tried again');
    this.retries.failed(this.state.pod, key, error);
  }

  private async execute(action: Action): Promise<void> {
    switch (action.type) {
      case 'prepare':
        return this.sandbox.prepare(this.state);
      case 'start':
        return this.start(action.container);
      case 'stop':
        return this.stop(action.container, action.why);
      case 'tear-down':
        return this.sandbox.tearDown(this.state);
      case 'remove':
        return this.remove();
    }
  }

  private async start(container: Container): Promise<void> {
    const { signal } = this.startAbort;
    await this.starter.start(this.state, container, signal);
    const attempt = this.state.attemptOf(container);
    if (!attempt || attempt.exit) return;
    if (await this.starter.postStart(this.state, container, signal)) this.probe(container, attempt);
    else
      this.requestStop(container, {
        reason: 'FailedPostStartHook',
        message: 'FailedPostStartHook',
      });
  }

  private async stop(container: Container, why: StopRequest | undefined): Promise<void> {
    this.stopProbing(container);
    const graceMs = (why?.graceSeconds ?? this.graceSeconds) * 1000;
    const own = new StopDeadline(this.context.clock, this.context.clock.now() + graceMs);
    const message = why?.message ?? `Stopping container ${container.name}`;
    // A pod that is to leave overrules the longer grace of a single container, also half-way.
    const deadline = this.deadline ?? own;
    await this.stopper.stop(this.state, container, deadline, message);
    this.stopRequests.delete(container.name);
  }

  private async remove(): Promise<void> {
    await this.state.seal();
    await this.sandbox.remove(this.state);
    this.isGone = true;
    this.cancelTimer();
    this.listener.onGone(this);
  }

  private async finish(container: Container, attempt: Attempt, exit: ExitRecord): Promise<void> {
    const paths = attemptPaths(this.state.paths, container.name, attempt.attempt);
    attempt.startedAt ??= exit.startedAt;
    attempt.exit ??= await attemptExit(exit, container, paths, attempt.startedAt);
    await this.state.save();
    this.endingExits.delete(exit.containerId);
    this.state.noteExit(exit.containerId);
    this.wake();
    const { exitCode, reason, death } = attempt.exit;
    const isWanted = exit.killedBy?.culprit === 'request';
    if (death && !isWanted) this.warn(reason, `Container ${container.name} ${death}`, container);
    const fields = {
      pod: this.state.pod.metadata.name,
      container: container.name,
      exitCode,
      reason,
      ...(death ? { death } : {}),
    };
    this.context.logger.info(fields, 'container ended');
    await this.context.runtime.delete(attempt.id, { force: true });
    await removeTree(layersProgram(this.context.config), paths.dir);
  }

  private probe(container: Container, attempt: Attempt): void {
    this.stopProbing(container);
    const target = probeTarget(this.state, container, attempt);
    const { clock, runtime } = this.context;
    const prober = new Prober(container, {
      clock,
      started: attempt.started ?? false,
      startedAtMs: Date.parse(attempt.startedAt ?? '') || clock.now(),
      run: (probe, signal) => check(probe, target, runtime, signal),
      listener: {
        onStarted: () => this.observe(attempt, { started: true }),
        onReady: (ready) => this.observe(attempt, { ready }),
        onFailure: (kind, output) => {
          const message = `${kind} probe failed: ${output}`;
          this.warn('Unhealthy', message, container);
        },
        onUnhealthy: (kind, probe) => this.unhealthy(container, kind, probe),
      },
    });
    this.probers.set(container.name, prober);
    prober.start();
  }

  private observe(attempt: Attempt, seen: { started?: boolean; ready?: boolean }): void {
    if (seen.started !== undefined) attempt.started = seen.started;
    if (seen.ready !== undefined) attempt.ready = seen.ready;
    this.wake();
  }

  private unhealthy(container: Container, kind: 'Liveness' | 'Startup', probe: Probe): void {
    const verb = kind.toLowerCase();
    const message = `Container ${container.name} failed ${verb} probe, will be restarted`;
    const graceSeconds = probe.terminationGracePeriodSeconds;
    this.requestStop(container, { reason: 'Killing', message, graceSeconds });
  }

  private requestStop(container: Container, why: StopRequest): void {
    this.stopRequests.set(container.name, why);
    this.wake();
  }

  private stopProbing(container: Container): void {
    this.probers.get(container.name)?.stop();
    this.probers.delete(container.name);
  }

  private warn(reason: string, message: string, container: Container): void {
    this.context.events.emit(this.state.pod, {
      type: 'Warning',
      reason,
      message,
      container: container.name,
    });
  }

  private computeStatus(): PodStatus {
    const { pod, record } = this.state;
    const { clock, node } = this.context;
    const waiting = new Map([...this.retries.waiting, ...this.starter.pulling]);
    return podStatus({ pod, record, waiting, hostIP: node.ip, nowMs: clock.now() });
  }

  /** Tells the status when it differs from the last one told, and keeps it for the next agent. */
  private report(): void {
    const status = this.computeStatus();
    const text = JSON.stringify(status);
    if (text === this.reported) return;
    this.reported = text;
    this.state.record.status = status;
    this.state.save().catch((error: unknown) => this.failed('/status', error));
    this.listener.onStatus(this, status);
  }
}
