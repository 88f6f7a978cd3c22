import { PodKind, type Pod } from '@gantry/api';
import { delay, describeError, isReason, type Clock, type Logger } from '@gantry/base';
import { inSlices, splitObjectKey, type ObjectEvent, type ObjectStore } from '@gantry/controller';
import { uidOf, type PodHandle, type Snapshot } from '@gantry/scheduler';
import type { Checkpoint, PlacedRecord } from './checkpoint-file.js';

/** Pods that are read one by one, at a time. */
const readsAtOnce = 64;
/** How often the store is asked how far the watch is, in milliseconds. */
const askMs = 50;

export interface HeadStartOptions {
  readonly checkpoint: Checkpoint;
  readonly snapshot: Snapshot;
  readonly objects: ObjectStore;
  /** Told of each pod that has no record, and of all that changed since. */
  readonly changed: (pod: Pod) => void;
  readonly gone: (pod: Pod) => void;
  readonly clock: Clock;
  readonly logger: Logger;
}

type Batch = readonly ObjectEvent<Pod>[];
type Batches = AsyncIterator<Batch, void>;

/**
 * Brings a snapshot to the present from a checkpoint and all changes since then, instead of from a list of all pods,
 * and keeps it there until somebody else does. The changes are told from the checkpoint's beginning on, also those
 * that it has in it already: after the last one all is as in the store.
 */
export class HeadStart {
  /** Pods that were told of and are not gone, by uid. */
  readonly met = new Map<string, Pod>();
  private readonly stopping = new AbortController();
  private revision = 0n;
  private following: Promise<void> = Promise.resolve();

  constructor(private readonly options: HeadStartOptions) {}

  /** Every change up to this revision is in the snapshot. */
  get seenRevision(): bigint {
    return this.revision;
  }

  /** False, with nothing told yet, where the store has lost what happened since the checkpoint. */
  async begin(signal: AbortSignal): Promise<boolean> {
    const { checkpoint, objects } = this.options;
    const { revision: resourceVersion } = checkpoint.header;
    const { revision: present } = await objects.store.range('scheduling/', { limit: 1 });
    const watching = AbortSignal.any([signal, this.stopping.signal]);
    const changes = objects.watchBatches(PodKind, { resourceVersion }, watching);
    const batches: Batches = changes[Symbol.asyncIterator]();
    const first = await this.next(batches).catch((error: unknown) => {
      if (isReason(error, 'Expired')) return undefined;
      throw error;
    });
    if (!first) return false;
    await inSlices(checkpoint.placed(), this.restorer(), signal);
    await this.readUnrecorded(signal);
    for (let batch: Batch | undefined = first; batch; batch = await this.next(batches)) {
      this.take(batch);
      if (this.revision >= present) break;
    }
    this.following = this.follow(batches);
    return true;
  }

  /** Resolves when nothing is told any more. */
  async end(): Promise<void> {
    this.stopping.abort();
    await this.following;
  }

  private restorer() {
    const { snapshot, checkpoint } = this.options;
    const handles: PodHandle[] = [];
    return ({ uid, node, podClass, devices }: PlacedRecord) => {
      const handle = (handles[podClass] ??= snapshot.handle(checkpoint.header.classes[podClass]!));
      snapshot.restore(uid, handle, node, devices);
    };
  }

  private async readUnrecorded(signal: AbortSignal): Promise<void> {
    const { checkpoint, objects } = this.options;
    const keys = checkpoint.header.unrecorded.values();
    const lane = async () => {
      for (const key of keys) {
        if (signal.aborted) return;
        const { namespace, name } = splitObjectKey(key);
        const pod = await objects.get(PodKind, namespace, name);
        if (pod) this.changed(pod);
      }
    };
    await Promise.all(Array.from({ length: readsAtOnce }, lane));
  }

  /** Undefined once nothing is told any more. */
  private async next(batches: Batches): Promise<Batch | undefined> {
    const { objects, clock } = this.options;
    const answer = batches.next().then(({ value }) => value ?? undefined);
    const ended = new AbortController();
    answer.finally(() => ended.abort()).catch(() => {});
    for (;;) {
      const waited = delay(clock, askMs, ended.signal).catch(() => {});
      const batch = await Promise.race([answer, waited.then(() => undefined)]);
      if (batch || ended.signal.aborted) return answer;
      objects.store.requestProgress();
    }
  }

  private take(batch: Batch): void {
    for (const { type, object } of batch) {
      if (type === 'DELETED') this.gone(object);
      else if (type !== 'BOOKMARK') this.changed(object);
    }
    this.revision = BigInt(batch.at(-1)!.object.metadata.resourceVersion!);
  }

  private changed(pod: Pod): void {
    this.met.set(uidOf(pod), pod);
    this.options.changed(pod);
  }

  private gone(pod: Pod): void {
    this.met.delete(uidOf(pod));
    this.options.gone(pod);
  }

  /** An interruption is not made good: whoever takes over lists all pods anyway. */
  private async follow(batches: Batches): Promise<void> {
    try {
      for (;;) {
        const { value: batch } = await batches.next();
        if (!batch || this.stopping.signal.aborted) return;
        this.take(batch);
      }
    } catch (error) {
      const err = describeError(error);
      this.options.logger.warn({ err }, 'the scheduler sees no changes until all pods are listed');
    }
  }
}
