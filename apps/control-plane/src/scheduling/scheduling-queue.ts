import type { Pod } from '@gantry/api';
import { Bell, type Clock } from '@gantry/base';
import { objectKey } from '@gantry/controller';
import { helps, type ClusterEvent } from './cluster-event.js';

/** First and longest wait of a pod that did not fit, in milliseconds; doubles with each attempt. */
const baseBackoffMs = 1_000;
const maxBackoffMs = 10_000;
/** A pod is tried again after this time even if nothing that could help was noticed. */
const maxWaitMs = 300_000;

export interface QueuedPod {
  readonly key: string;
  pod: Pod;
  attempts: number;
  /** When the last attempt ended; undefined before the first. */
  triedMs?: number;
  /** Names of the filters that kept it off nodes. */
  refusedBy: ReadonlySet<string>;
}

export interface QueueDepths {
  readonly active: number;
  readonly backoff: number;
  readonly unschedulable: number;
}

type Place = 'active' | 'backoff' | 'unschedulable' | 'taken';

interface Entry extends QueuedPod {
  place: Place;
  serial: number;
  cancel?: () => void;
  /** A node is being cleared for it: it goes on at once when that helped, without back-off. */
  urgent?: boolean;
  /** Something that could help happened while an attempt was under way. */
  wokenMeanwhile?: boolean;
}

/**
 * Pods that wait for a node. Active ones are tried by priority, then in order of arrival; unschedulable ones
 * sleep until an event that could help them; back-off keeps a pod that fails again and again from the front.
 */
export class SchedulingQueue {
  private readonly entries = new Map<string, Entry>();
  /** Active entries by priority, highest first, each in order of arrival. */
  private readonly active = new Map<number, Map<string, Entry>>();
  private serial = 0;
  private readonly bell = new Bell();
  private readonly counts = { active: 0, backoff: 0, unschedulable: 0, taken: 0 };

  constructor(private readonly clock: Clock) {}

  get depths(): QueueDepths {
    const { active, backoff, unschedulable } = this.counts;
    return { active, backoff, unschedulable };
  }

  get(pod: Pod): QueuedPod | undefined {
    return this.entries.get(objectKey(pod));
  }

  /** A pending pod as it is now; `changed` says that its own wishes changed, which deserves a new attempt. */
  offer(pod: Pod, changed: boolean): void {
    const key = objectKey(pod);
    const known = this.entries.get(key);
    if (known && known.pod.metadata.uid === pod.metadata.uid) {
      known.pod = pod;
      if (changed) this.reconsider(known);
      return;
    }
    if (known) this.remove(pod);
    const entry: Entry = {
      key,
      pod,
      attempts: 0,
      refusedBy: new Set(),
      place: 'taken',
      serial: this.serial++,
    };
    this.counts.taken++;
    this.entries.set(key, entry);
    this.move(entry, 'active');
  }

  remove(pod: Pod): void {
    const entry = this.entries.get(objectKey(pod));
    if (!entry) return;
    this.leave(entry);
    this.counts[entry.place]--;
    this.entries.delete(entry.key);
  }

  /** Up to `limit` active pods, or an empty list when the signal aborts. Each is then `settled` or `failed`. */
  async take(limit: number, signal: AbortSignal): Promise<QueuedPod[]> {
    while (this.counts.active === 0 && !signal.aborted) await this.bell.rung(signal);
    const taken: Entry[] = [];
    for (const priority of [...this.active.keys()].sort((a, b) => b - a)) {
      for (const entry of this.active.get(priority)!.values()) {
        if (taken.length === limit) break;
        taken.push(entry);
      }
    }
    for (const entry of taken) this.move(entry, 'taken');
    return signal.aborted ? [] : taken;
  }

  /** The pod is bound: it waits no longer. */
  settled(queued: QueuedPod): void {
    if (this.entries.get(queued.key) === queued) this.remove(queued.pod);
  }

  /** The pod fitted nowhere: it sleeps until something that could help. */
  failed(queued: QueuedPod, refusedBy: ReadonlySet<string>, { urgent = false } = {}): void {
    const entry = this.entries.get(queued.key);
    if (entry !== queued) return;
    entry.attempts += 1;
    entry.triedMs = this.clock.now();
    entry.refusedBy = refusedBy;
    entry.urgent = urgent;
    this.move(entry, 'unschedulable');
    entry.cancel = this.clock.after(maxWaitMs, () => this.reconsider(entry));
    if (entry.wokenMeanwhile) this.reconsider(entry);
    entry.wokenMeanwhile = false;
  }

  /** The pod did fit, but the binding did not come about: it is tried again after its back-off. */
  retry(queued: QueuedPod): void {
    const entry = this.entries.get(queued.key);
    if (entry !== queued) return;
    entry.attempts += 1;
    entry.triedMs = this.clock.now();
    this.reconsider(entry);
  }

  /** Wakes the pods that this event could help. */
  happened(event: ClusterEvent): void {
    for (const entry of this.entries.values()) {
      if (entry.place === 'unschedulable' && helps(event, entry.refusedBy)) this.reconsider(entry);
      else if (entry.place === 'taken') entry.wokenMeanwhile = true;
    }
  }

  /** Stops all timers. */
  clear(): void {
    for (const entry of this.entries.values()) entry.cancel?.();
    this.entries.clear();
    this.active.clear();
    Object.assign(this.counts, { active: 0, backoff: 0, unschedulable: 0, taken: 0 });
  }

  private reconsider(entry: Entry): void {
    if (this.entries.get(entry.key) !== entry || entry.place === 'active') return;
    const waitMs = this.backoffEndMs(entry) - this.clock.now();
    if (waitMs <= 0) return this.move(entry, 'active');
    if (entry.place === 'backoff') return;
    this.move(entry, 'backoff');
    entry.cancel = this.clock.after(waitMs, () => this.move(entry, 'active'));
  }

  private backoffEndMs({ triedMs, attempts, urgent }: Entry): number {
    if (triedMs === undefined || urgent) return 0;
    return triedMs + Math.min(maxBackoffMs, baseBackoffMs * 2 ** Math.min(attempts - 1, 10));
  }

  private move(entry: Entry, place: Place): void {
    this.leave(entry);
    this.counts[entry.place]--;
    this.counts[place]++;
    entry.place = place;
    if (place !== 'active') return;
    const priority = entry.pod.spec.priority ?? 0;
    const peers = this.active.get(priority) ?? new Map<string, Entry>();
    this.active.set(priority, peers.set(entry.key, entry));
    this.bell.ring();
  }

  private leave(entry: Entry): void {
    entry.cancel?.();
    entry.cancel = undefined;
    if (entry.place !== 'active') return;
    for (const [priority, peers] of this.active) {
      if (peers.delete(entry.key) && peers.size === 0) this.active.delete(priority);
    }
  }
}
