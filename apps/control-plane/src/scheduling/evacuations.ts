import { PodKind, type Pod } from '@gantry/api';
import { aborted, delay, describeError, isReason, type Clock, type Logger } from '@gantry/base';
import { objectKey } from '@gantry/controller';
import { uidOf } from '@gantry/scheduler';
import type { Resources } from '../api/index.js';
import { takeAway } from '../api/resources/disruptions.js';
import type { EventSink } from '../events/index.js';
import { schedulerName } from './pending.js';

/** Pods that are taken away for another one, and from where. */
export interface Evacuation {
  readonly preemptor: Pod;
  readonly node: string;
  readonly victims: readonly Pod[];
}

export interface EvacuationsOptions {
  readonly resources: Resources;
  readonly sink: EventSink;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** How often a write is tried before the next attempt of the preemptor has to see to it. */
const maxTries = 5;
const retryMs = 500;
/** Writes under way at a time, beyond which no preemption is begun. */
const maxUnderWay = 256;

/** Carries preemptions out beside the loop: nominations in status, victims marked and deleted gracefully. */
export class Evacuations {
  private readonly going = new Set<string>();
  private readonly work = new Set<Promise<void>>();
  private signal: AbortSignal | undefined;

  constructor(private readonly options: EvacuationsOptions) {}

  /** Writes happen until the signal aborts; resolves when the last has ended. */
  async run(signal: AbortSignal): Promise<void> {
    this.signal = signal;
    await aborted(signal);
    await Promise.all(this.work);
  }

  /** Whether the deletion of this pod is under way from here, though the watch does not show it yet. */
  isGoing(uid: string): boolean {
    return this.going.has(uid);
  }

  /** The watch shows this state of a pod: once it is going, its own marks tell. */
  seen({ metadata }: Pod, isGone: boolean): void {
    if (isGone || metadata.deletionTimestamp) this.going.delete(metadata.uid!);
  }

  /** Enough is under way; what is not begun now has its turn when pods have ended. */
  get isBusy(): boolean {
    return this.work.size >= maxUnderWay;
  }

  start({ preemptor, node, victims }: Evacuation): void {
    this.nominate(preemptor, node);
    for (const victim of victims) {
      const uid = uidOf(victim);
      if (this.going.has(uid)) continue;
      this.going.add(uid);
      const message = `Preempted by pod ${objectKey(preemptor)} on node ${node}`;
      this.options.sink.record(PodKind, victim, { type: 'Normal', reason: 'Preempted', message });
      const stays = () => this.going.delete(uid);
      this.begin(() => this.evict(victim, preemptor, node), stays);
    }
  }

  /** Says in the pod's status which node is cleared for it. */
  nominate(pod: Pod, node: string): void {
    this.begin(() => this.setNominated(pod, node));
  }

  /** Takes the nominations of these pods out of their status. */
  clear(pods: readonly Pod[]): void {
    for (const pod of pods) this.begin(() => this.setNominated(pod, undefined));
  }

  private async evict(victim: Pod, preemptor: Pod, node: string): Promise<void> {
    const { resources, clock } = this.options;
    const message = `${schedulerName}: preempting to accommodate a higher priority pod (${objectKey(preemptor)} on ${node})`;
    await takeAway(resources, victim, { reason: 'PreemptionByScheduler', message }, clock);
  }

  private async setNominated(pod: Pod, node: string | undefined): Promise<void> {
    const { namespace, name, uid } = pod.metadata;
    await this.options.resources.mutateStatus(PodKind, namespace, name!, (current) => {
      if (current.metadata.uid !== uid || current.spec.nodeName) return undefined;
      const { nominatedNodeName: _, ...status } = current.status ?? {};
      return { ...current, status: node ? { ...status, nominatedNodeName: node } : status };
    });
  }

  /** `failed` is called when it was not done in the end. */
  private begin(write: () => Promise<void>, failed: () => unknown = () => {}): void {
    const work: Promise<void> = this.insist(write, failed).finally(() => this.work.delete(work));
    this.work.add(work);
  }

  private async insist(write: () => Promise<void>, failed: () => unknown): Promise<void> {
    const { clock, logger } = this.options;
    for (let attempt = 1; !this.signal?.aborted; attempt++) {
      try {
        return await write();
      } catch (error) {
        // The pod is gone: nothing is left to do.
        if (isReason(error, 'NotFound')) return;
        if (attempt === maxTries) {
          logger.warn({}, `preempt: ${describeError(error)}`);
          break;
        }
        await delay(clock, retryMs * attempt, this.signal).catch(() => {});
      }
    }
    failed();
  }
}
