import { PodKind, type Pod, type PodCondition, type PodStatus } from '@gantry/api';
import { Backoff, delay, describeError, isReason, type Clock, type Logger } from '@gantry/base';
import type { Resources } from '../api/index.js';

/** Which pod something is said of, and by the agent of which node. */
export interface PodReport {
  readonly uid: string;
  readonly namespace: string;
  readonly name: string;
  readonly nodeName: string;
}

/** Writes under way at once. */
const maxWrites = 16;

/** Reports that may wait; beyond it the agents' next reports have to do. */
const maxWaiting = 20_000;

/** Conditions that agents write; all others are kept as they are stored. */
const agentConditions = new Set([
  'PodReadyToStartContainers',
  'Initialized',
  'Ready',
  'ContainersReady',
]);

const isTerminal = (phase: string | undefined) => phase === 'Succeeded' || phase === 'Failed';

function mergeConditions(
  stored: readonly PodCondition[],
  told: readonly PodCondition[],
): PodCondition[] {
  const others = stored.filter((condition) => !agentConditions.has(condition.type));
  return [...told.filter((condition) => agentConditions.has(condition.type)), ...others];
}

/** The stored status with what the agent observes; undefined when it must not be written. */
export function mergePodStatus(pod: Pod, told: PodStatus): PodStatus | undefined {
  const stored = pod.status ?? {};
  // States only advance: a pod that has ended stays so, whatever a late report says.
  if (isTerminal(stored.phase) && !isTerminal(told.phase)) return undefined;
  const { nominatedNodeName, qosClass } = stored;
  const conditions = mergeConditions(stored.conditions ?? [], told.conditions ?? []);
  return { ...told, conditions, nominatedNodeName, qosClass: qosClass ?? told.qosClass };
}

type Job = { readonly pod: PodReport } & ({ readonly status: PodStatus } | { readonly gone: true });

/**
 * Writes what agents report of their pods. Per pod only the latest report waits; what fails for a
 * reason that passes is tried again.
 */
export class PodStatusWriter {
  private readonly waiting = new Map<string, Job>();
  private readonly writing = new Set<string>();
  private readonly settled = new Set<Promise<void>>();

  constructor(
    private readonly resources: Resources,
    private readonly clock: Clock,
    private readonly logger: Logger,
    private readonly signal: AbortSignal,
  ) {}

  status(pod: PodReport, status: PodStatus): void {
    this.put({ pod, status });
  }

  /** Nothing of the pod is left on its node: the object goes if it was marked as going. */
  gone(pod: PodReport): void {
    this.put({ pod, gone: true });
  }

  get depth(): number {
    return this.waiting.size + this.writing.size;
  }

  /** Resolves when what was under way has ended. */
  async drain(): Promise<void> {
    await Promise.all(this.settled);
  }

  private put(job: Job): void {
    const key = job.pod.uid;
    if (!this.waiting.has(key) && this.waiting.size >= maxWaiting) {
      this.logger.warn(
        { pod: job.pod.name },
        'too many statuses wait to be written: one is dropped',
      );
      return;
    }
    this.waiting.set(key, job);
    this.next();
  }

  private next(): void {
    for (const [key, job] of this.waiting) {
      if (this.writing.size >= maxWrites) return;
      if (this.writing.has(key)) continue;
      this.waiting.delete(key);
      this.writing.add(key);
      const work = this.persist(job).finally(() => {
        this.writing.delete(key);
        this.settled.delete(work);
        this.next();
      });
      this.settled.add(work);
    }
  }

  private async persist(job: Job): Promise<void> {
    const backoff = new Backoff({ baseMs: 50, maxMs: 5000, jitter: 0.5 });
    while (!this.signal.aborted) {
      try {
        if ('status' in job) await this.writeStatus(job.pod, job.status);
        else await this.remove(job.pod);
        return;
      } catch (error) {
        if (isReason(error, 'NotFound')) return;
        const passing = isReason(error, 'ServiceUnavailable') || isReason(error, 'Conflict');
        const fields = { pod: job.pod.name, err: describeError(error) };
        this.logger.warn(fields, passing ? 'pod not written; trying again' : 'pod not written');
        // What was said meanwhile is newer and comes next in any case.
        if (!passing || this.waiting.has(job.pod.uid)) return;
        await delay(this.clock, backoff.next(), this.signal).catch(() => undefined);
      }
    }
  }

  private async writeStatus(report: PodReport, told: PodStatus): Promise<void> {
    const { namespace, name } = report;
    await this.resources.mutateStatus(PodKind, namespace, name, (pod) => {
      if (!isReporters(pod, report)) return undefined;
      const status = mergePodStatus(pod, told);
      return status && { ...pod, status };
    });
  }

  private async remove(report: PodReport): Promise<void> {
    const { namespace, name, uid } = report;
    const pod = await this.resources.find(PodKind, namespace, name);
    if (!pod || !isReporters(pod, report) || !pod.metadata.deletionTimestamp) return;
    const preconditions = { uid };
    await this.resources.delete(PodKind, namespace, name, { gracePeriodSeconds: 0, preconditions });
  }
}

/** An agent may speak only of the very pods that are bound to its node. */
function isReporters(pod: Pod, report: PodReport): boolean {
  return pod.metadata.uid === report.uid && pod.spec.nodeName === report.nodeName;
}
