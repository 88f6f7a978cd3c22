import {
  isReclaimable,
  NodeKind,
  PodKind,
  reclaimableAnnotation,
  type Node,
  type Pod,
} from '@gantry/api';
import { delay, describeError, isReason, type Clock, type Logger } from '@gantry/base';
import type { Informers } from '@gantry/controller';
import { peakUse, reclaimableOffer, type CpuAndMemory } from '@gantry/scheduler';
import type { Resources } from '../api/index.js';
import { allocatableOf, offerOf, offerText } from '../controllers/reclaim/node-offer.js';
import type { Metering, NodeUsage } from './metering.js';

export interface ReclaimableOffersOptions {
  readonly metering: Metering;
  readonly informers: Informers;
  readonly resources: Resources;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** How often the use of the nodes is looked at, in milliseconds. */
const intervalMs = 10_000;
const nanosPerMilli = 1_000_000;

/** What all but the reclaimable pods use; pods of which nothing is known count as such owners. */
function ownersUse(usage: NodeUsage, reclaimable: ReadonlySet<string>): CpuAndMemory {
  let cpuNanos = usage.cpuNanosPerSecond;
  let memoryBytes = usage.memoryBytes;
  for (const [uid, { containers }] of usage.pods) {
    if (!reclaimable.has(uid)) continue;
    for (const container of containers) {
      cpuNanos -= container.cpuNanosPerSecond;
      memoryBytes -= container.memoryBytes;
    }
  }
  const cpuMillis = Math.max(0, Math.ceil(cpuNanos / nanosPerMilli));
  return { cpuMillis, memoryBytes: Math.max(0, memoryBytes) };
}

function isPressed({ status }: Node): boolean {
  const conditions = status?.conditions ?? [];
  return conditions.some(
    ({ type, status: state }) =>
      (type === 'MemoryPressure' && state === 'True') || (type === 'Ready' && state !== 'True'),
  );
}

/**
 * Keeps, on the nodes whose agents are connected here, what they offer to reclaimable pods. As long as no pod
 * asks for that nothing is written at all, and afterwards only whole steps.
 */
export class ReclaimableOffers {
  private readonly peaks = new Map<string, CpuAndMemory>();

  constructor(private readonly options: ReclaimableOffersOptions) {}

  async run(signal: AbortSignal): Promise<void> {
    const { clock, logger } = this.options;
    while (!signal.aborted) {
      await delay(clock, intervalMs, signal).catch(() => {});
      if (signal.aborted) return;
      await this.look().catch((error: unknown) => {
        logger.warn({}, `offer reclaimable capacity: ${describeError(error)}`);
      });
    }
  }

  /** Looks at all nodes once. */
  async look(): Promise<void> {
    const { informers, metering } = this.options;
    const reclaimable = new Set<string>();
    for (const pod of informers.for(PodKind).list() as Iterable<Pod>) {
      if (isReclaimable(pod)) reclaimable.add(pod.metadata.uid!);
    }
    if (reclaimable.size === 0) return this.peaks.clear();
    for (const name of metering.nodes()) {
      const node = informers.for(NodeKind).get(undefined, name);
      const usage = metering.usage(name);
      if (node && usage) await this.offer(node, usage, reclaimable);
    }
  }

  private async offer(node: Node, usage: NodeUsage, reclaimable: ReadonlySet<string>) {
    const name = node.metadata.name!;
    const used = peakUse(ownersUse(usage, reclaimable), this.peaks.get(name));
    this.peaks.set(name, used);
    const facts = { allocatable: allocatableOf(node), used, isPressed: isPressed(node) };
    const text = offerText(reclaimableOffer(facts, offerOf(node)));
    if (text === node.metadata.annotations?.[reclaimableAnnotation]) return;
    await this.options.resources
      .mutate(NodeKind, undefined, name, (current) => {
        const annotations = { ...current.metadata.annotations, [reclaimableAnnotation]: text };
        return { ...current, metadata: { ...current.metadata, annotations } };
      })
      .catch((error: unknown) => {
        if (!isReason(error, 'NotFound')) throw error;
      });
  }
}
