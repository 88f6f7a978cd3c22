import { PodKind, type Pod } from '@gantry/api';
import {
  Bell,
  delay,
  describeError,
  isReason,
  timestamp,
  type Clock,
  type Logger,
} from '@gantry/base';
import { objectKey } from '@gantry/controller';
import type { Resources } from '../api/index.js';

/** The sentence changes with every pod that comes and goes; it is not rewritten more often than this. */
const minIntervalMs = 10_000;
/** Conditions written at a time; one per pod that waits, so the number waiting is bounded by those. */
const concurrency = 4;
/** Remembered times of writing; all are forgotten when there are more. */
const maxRemembered = 50_000;

interface Report {
  readonly pod: Pod;
  readonly message: string;
}

/** Writes PodScheduled=False with the sentence that says why, beside the loop and without holding it up. */
export class UnschedulableReports {
  private readonly waiting = new Map<string, Report>();
  private readonly writtenMs = new Map<string, number>();
  private readonly bell = new Bell();

  constructor(
    private readonly resources: Resources,
    private readonly clock: Clock,
    private readonly logger: Logger,
  ) {}

  report(pod: Pod, message: string): void {
    const condition = pod.status?.conditions?.find(({ type }) => type === 'PodScheduled');
    const { uid } = pod.metadata;
    const told = condition?.status === 'False' ? condition.message : undefined;
    const isTold = told === message;
    const sinceMs = this.clock.now() - (this.writtenMs.get(uid!) ?? -Infinity);
    if (isTold || (sortOf(told) === sortOf(message) && sinceMs < minIntervalMs)) return;
    this.waiting.set(objectKey(pod), { pod, message });
    this.bell.ring();
  }

  async run(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      const batch = [...this.waiting].slice(0, concurrency);
      if (batch.length === 0) await this.bell.rung(signal);
      for (const [key] of batch) this.waiting.delete(key);
      await Promise.all(batch.map(([, report]) => this.write(report, signal)));
    }
  }

  private async write({ pod, message }: Report, signal: AbortSignal): Promise<void> {
    const { namespace, name, uid } = pod.metadata;
    if (this.writtenMs.size >= maxRemembered) this.writtenMs.clear();
    this.writtenMs.set(uid!, this.clock.now());
    try {
      await this.resources.mutateStatus(PodKind, namespace, name!, (current) =>
        current.metadata.uid === uid ? unscheduled(current, message, this.clock.now()) : undefined,
      );
    } catch (error) {
      if (signal.aborted || isReason(error, 'NotFound')) return;
      this.logger.warn({ pod: objectKey(pod) }, `write PodScheduled: ${describeError(error)}`);
      await delay(this.clock, minIntervalMs / 10, signal).catch(() => {});
    }
  }
}

/** Sentences of one sort differ in numbers and names; another sort is news, which does not wait. */
function sortOf(message = ''): string {
  return message.split(' ', 1)[0]!.replace(/\d+/, 'N');
}

function unscheduled(pod: Pod, message: string, nowMs: number): Pod | undefined {
  if (pod.spec.nodeName) return undefined;
  const conditions = pod.status?.conditions ?? [];
  const known = conditions.find(({ type }) => type === 'PodScheduled');
  const condition = {
    type: 'PodScheduled',
    status: 'False' as const,
    reason: 'Unschedulable',
    message,
    lastTransitionTime: known?.status === 'False' ? known.lastTransitionTime : timestamp(nowMs),
  };
  const others = conditions.filter((other) => other !== known);
  return {
    ...pod,
    status: { ...pod.status, phase: 'Pending', conditions: [...others, condition] },
  };
}
