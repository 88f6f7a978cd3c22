import { podGroupOf, type Pod } from '@gantry/api';
import { Bell, type Clock } from '@gantry/base';
import { objectKey } from '@gantry/controller';
import { FairOrder, NamespaceShares, type ClusterEvent, type Scheduler } from '@gantry/scheduler';
import { assemblySentence, type Gangs } from './gangs.js';
import type { Place, QueuedUnit, Unit } from './queue-unit.js';
import { Sleepers } from './sleepers.js';

/** First and longest wait of a unit that did not fit, in milliseconds; doubles with each attempt. */
const baseBackoffMs = 1_000;
const maxBackoffMs = 10_000;
/** How often a gang is tried whose time limit is over. */
const lateGangMs = 60_000;

export interface QueueDepths {
  readonly active: number;
  readonly backoff: number;
  readonly unschedulable: number;
}

export interface SchedulingQueueOptions {
  readonly clock: Clock;
  readonly scheduler: Scheduler;
  readonly gangs: Gangs;
  /** Told why a pod of a gang is not tried yet. */
  readonly assembling: (pod: Pod, message: string) => void;
}

export interface FailureOptions {
  /** A node is being cleared for it: once that helped, it goes on without back-off. */
  readonly urgent?: boolean;
}

/**
 * Pods that wait for a node. Active ones are tried by priority, then in fair turns of their namespaces, then in
 * order of arrival; refused ones sleep until an event that could help them; back-off keeps a pod that fails
 * again and again from the front; pods of a gang wait for each other.
 */
export class SchedulingQueue {
  readonly shares: NamespaceShares;
  private readonly units = new Map<string, Unit>();
  /** The unit of each pod, by the pod's key. */
  private readonly homes = new Map<string, Unit>();
  private readonly active: FairOrder<Unit>;
  private readonly sleepers: Sleepers;
  private readonly bell = new Bell();
  private readonly counts = { active: 0, backoff: 0, unschedulable: 0, assembling: 0, taken: 0 };

  constructor(private readonly options: SchedulingQueueOptions) {
    this.shares = new NamespaceShares(options.scheduler.snapshot);
    this.active = new FairOrder(this.shares);
    this.sleepers = new Sleepers(options.scheduler, options.clock, (unit) => this.reconsider(unit));
  }

  get depths(): QueueDepths {
    const { active, backoff, unschedulable, assembling } = this.counts;
    return { active, backoff, unschedulable: unschedulable + assembling };
  }

  has(pod: Pod): boolean {
    const key = objectKey(pod);
    return this.homes.get(key)?.pods.get(key)?.metadata.uid === pod.metadata.uid;
  }

  /** A pending pod as it is now; `changed` says that its own wishes changed, which deserves a new attempt. */
  offer(pod: Pod, changed: boolean): void {
    const key = objectKey(pod);
    const known = this.homes.get(key);
    if (known && this.has(pod) && known.key === unitKeyOf(pod)) {
      known.pods.set(key, pod);
      if (changed) this.changed(known);
      return;
    }
    if (known) this.remove(pod);
    const unit = this.unitFor(pod);
    unit.pods.set(key, pod);
    this.homes.set(key, unit);
    this.changed(unit);
  }

  remove(pod: Pod): void {
    const key = objectKey(pod);
    const unit = this.homes.get(key);
    if (!unit) return;
    this.homes.delete(key);
    unit.pods.delete(key);
    if (unit.pods.size > 0) return;
    this.leave(unit);
    this.sleepers.delete(unit);
    this.counts[unit.place]--;
    this.units.delete(unit.key);
  }

  /** The gang's PodGroup came or changed, or one of its pods got a node or lost it. */
  regroup(name: string): void {
    const unit = this.units.get(gangPrefix + name);
    if (unit && unit.place !== 'active') this.changed(unit);
  }

  /** Active units of up to `limit` pods, one at least; an empty list when the signal aborts. */
  async take(limit: number, signal: AbortSignal): Promise<QueuedUnit[]> {
    while (this.counts.active === 0 && !signal.aborted) await this.bell.rung(signal);
    if (signal.aborted) return [];
    const taken = this.active.take(limit);
    for (const unit of taken) this.move(unit, 'taken');
    return taken;
  }

  /** The unit found places: sleeping units like it may find some too. */
  succeeded(queued: QueuedUnit): void {
    const unit = this.current(queued);
    if (unit) this.sleepers.succeeded(unit);
  }

  /** The unit fitted nowhere, just now: it sleeps until something that could help. */
  failed(queued: QueuedUnit, options: FailureOptions = {}): void {
    const unit = this.current(queued);
    if (!unit) return;
    this.tried(unit);
    unit.urgent = options.urgent ?? false;
    this.move(unit, 'unschedulable');
    if (unit.changedMeanwhile) return this.enter(unit);
    if (!this.isLate(unit)) return this.sleepers.add(unit);
    unit.cancel = this.options.clock.after(lateGangMs, () => this.reconsider(unit));
  }

  /** What became of the bindings: bound pods wait no longer, the others are tried again after a back-off. */
  settled(queued: QueuedUnit, bound: readonly Pod[]): void {
    const unit = this.current(queued);
    for (const pod of bound) if (this.has(pod)) this.remove(pod);
    if (!unit || this.current(queued) === undefined) return;
    this.tried(unit);
    this.move(unit, 'unschedulable');
    this.enter(unit);
  }

  /** Wakes the units that this event could help. */
  happened(event: ClusterEvent): void {
    this.sleepers.happened(event);
  }

  /** Stops all timers. */
  clear(): void {
    for (const unit of this.units.values()) unit.cancel?.();
    for (const each of [this.units, this.homes, this.active, this.sleepers]) each.clear();
    for (const place of Object.keys(this.counts)) this.counts[place as Place] = 0;
  }

  private current(queued: QueuedUnit): Unit | undefined {
    const unit = this.units.get(queued.key);
    return unit === queued ? unit : undefined;
  }

  private unitFor(pod: Pod): Unit {
    const key = unitKeyOf(pod);
    const known = this.units.get(key);
    if (known) return known;
    const unit: Unit = {
      key,
      pods: new Map(),
      namespace: pod.metadata.namespace ?? '',
      priority: 0,
      asks: [],
      attempts: 0,
      bornMs: this.options.clock.now(),
      place: 'unschedulable',
    };
    this.counts.unschedulable++;
    this.units.set(key, unit);
    return unit;
  }

  /** The unit has other pods, or other wishes, than when it was last looked at. */
  private changed(unit: Unit): void {
    if (unit.place === 'taken') unit.changedMeanwhile = true;
    else {
      this.sleepers.delete(unit);
      this.enter(unit);
    }
  }

  /** Looks at the unit's pods anew and lets it go on, or wait for the rest of its gang. */
  private enter(unit: Unit): void {
    const { scheduler, gangs } = this.options;
    this.leave(unit);
    unit.changedMeanwhile = false;
    const pods = [...unit.pods.values()];
    unit.priority = pods.reduce((most, { spec }) => Math.max(most, spec.priority ?? 0), -Infinity);
    unit.asks = pods.map((pod) => scheduler.snapshot.handle(pod).podClass.ask);
    const name = podGroupOf(pods[0]!);
    if (name !== undefined) {
      unit.gang = gangs.wish(name);
      if (!unit.gang || pods.length < unit.gang.required) return this.assemble(unit, name);
    }
    this.reconsider(unit, true);
  }

  private assemble(unit: Unit, name: string): void {
    this.move(unit, 'assembling');
    const { gang, bornMs } = unit;
    const tell = (isLate: boolean) => {
      const message = assemblySentence(name, gang, unit.pods.size, isLate);
      for (const pod of unit.pods.values()) this.options.assembling(pod, message);
    };
    tell(this.isLate(unit));
    if (!gang || this.isLate(unit)) return;
    const leftMs = bornMs + gang.timeoutMs - this.options.clock.now();
    unit.cancel = this.options.clock.after(leftMs, () => tell(true));
  }

  /** Whether a gang's time limit is over. */
  private isLate({ gang, bornMs }: Unit): boolean {
    return gang !== undefined && this.options.clock.now() - bornMs >= gang.timeoutMs;
  }

  private tried(unit: Unit): void {
    unit.attempts += 1;
    unit.triedMs = this.options.clock.now();
  }

  private reconsider(unit: Unit, isRenewed = false): void {
    if (this.units.get(unit.key) !== unit) return;
    if (unit.place === 'taken' || (unit.place === 'active' && !isRenewed)) return;
    const waitMs = this.backoffEndMs(unit) - this.options.clock.now();
    if (waitMs <= 0) return this.move(unit, 'active');
    this.move(unit, 'backoff');
    unit.cancel = this.options.clock.after(waitMs, () => this.move(unit, 'active'));
  }

  private backoffEndMs({ triedMs, attempts, urgent }: Unit): number {
    if (triedMs === undefined || urgent) return 0;
    return triedMs + Math.min(maxBackoffMs, baseBackoffMs * 2 ** Math.min(attempts - 1, 10));
  }

  private move(unit: Unit, place: Place): void {
    this.leave(unit);
    this.counts[unit.place]--;
    this.counts[place]++;
    unit.place = place;
    if (place !== 'active') return;
    this.active.add(unit);
    this.bell.ring();
  }

  private leave(unit: Unit): void {
    unit.cancel?.();
    unit.cancel = undefined;
    if (unit.place === 'active') this.active.delete(unit);
  }
}

const gangPrefix = 'group/';

function unitKeyOf(pod: Pod): string {
  const gang = podGroupOf(pod);
  return gang === undefined ? `pod/${objectKey(pod)}` : gangPrefix + gang;
}
