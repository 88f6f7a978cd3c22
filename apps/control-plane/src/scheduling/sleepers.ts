import type { Clock } from '@gantry/base';
import { couldHelp, type ClusterEvent, type PodHandle, type Scheduler } from '@gantry/scheduler';
import type { Unit } from './queue-unit.js';

/** Units are tried again after this time even if nothing that could help was noticed. */
const maxWaitMs = 300_000;

/** Units that every decision treats alike. */
interface Dormitory {
  readonly key: string;
  handles: readonly PodHandle[];
  /** Of the counters that the handles read. */
  version: number;
  readonly units: Set<Unit>;
  /** Those that try for all: the others are woken when one of these finds a place. */
  readonly scouts: Set<Unit>;
  cancel: () => void;
}

/**
 * Units that fitted nowhere, woken only by an event that could have made room for them. Of equal units one is
 * woken first; each that finds a place wakes two more, so that a thousand equal pods do not try in vain for one
 * place.
 */
export class Sleepers {
  private readonly dormitories = new Map<string, Dormitory>();
  private readonly homes = new Map<Unit, Dormitory>();

  constructor(
    private readonly scheduler: Scheduler,
    private readonly clock: Clock,
    private readonly wake: (unit: Unit) => void,
  ) {}

  /** The unit was refused; it sleeps until something that could help. */
  add(unit: Unit): void {
    const handles = this.handlesOf(unit);
    const ids = handles.map(({ podClass, labelSet }) => `${podClass.id}/${labelSet.id}`);
    const key = unit.gang || unit.urgent ? `${unit.key} ${ids.join()}` : ids.join();
    const { version } = this.scheduler.snapshot.topology;
    const known = this.dormitories.get(key);
    const dormitory = known ?? {
      key,
      handles,
      version,
      units: new Set(),
      scouts: new Set(),
      cancel: () => undefined,
    };
    if (!known) this.dormitories.set(key, dormitory);
    Object.assign(dormitory, { handles, version });
    this.leave(unit, dormitory);
    dormitory.scouts.delete(unit);
    dormitory.units.add(unit);
    this.homes.set(unit, dormitory);
    this.setTimer(dormitory);
  }

  /** The unit is gone, bound, or tried for reasons of its own; if others counted on it, one of them goes. */
  delete(unit: Unit): void {
    const home = this.homes.get(unit);
    const wasScout = home?.scouts.has(unit);
    this.leave(unit);
    if (home && wasScout && home.scouts.size === 0) this.send(home);
  }

  /** The unit found a place: others like it may find one too. */
  succeeded(unit: Unit): void {
    const home = this.homes.get(unit);
    if (!home?.scouts.has(unit)) return;
    this.leave(unit);
    for (let more = 0; more < 2; more++) this.send(home);
  }

  happened(event: ClusterEvent): void {
    for (const dormitory of this.dormitories.values()) {
      if (dormitory.scouts.size === 0 && this.concerns(dormitory, event)) this.send(dormitory);
    }
  }

  clear(): void {
    for (const { cancel } of this.dormitories.values()) cancel();
    this.dormitories.clear();
    this.homes.clear();
  }

  private concerns(dormitory: Dormitory, event: ClusterEvent): boolean {
    const { snapshot, profile } = this.scheduler;
    const [first] = dormitory.units;
    if (!first) return false;
    // Room that is being made for a pod is kept under its own name, which a look at the node would count.
    if (first.urgent) return event.type !== 'pod-placed';
    if (dormitory.version !== snapshot.topology.version) {
      dormitory.handles = this.handlesOf(first);
      dormitory.version = snapshot.topology.version;
    }
    return dormitory.handles.some((handle) => couldHelp(snapshot, profile, handle, event));
  }

  private send(dormitory: Dormitory): void {
    for (const unit of dormitory.units) {
      dormitory.units.delete(unit);
      dormitory.scouts.add(unit);
      this.wake(unit);
      return;
    }
  }

  private leave(unit: Unit, stayIn?: Dormitory): void {
    const home = this.homes.get(unit);
    if (!home) return;
    this.homes.delete(unit);
    home.units.delete(unit);
    home.scouts.delete(unit);
    if (home === stayIn || home.units.size + home.scouts.size > 0) return;
    home.cancel();
    this.dormitories.delete(home.key);
  }

  private setTimer(dormitory: Dormitory): void {
    dormitory.cancel();
    dormitory.cancel = this.clock.after(maxWaitMs, () => {
      this.send(dormitory);
      if (this.dormitories.get(dormitory.key) === dormitory) this.setTimer(dormitory);
    });
  }

  /** One of each sort of pod in the unit. */
  private handlesOf(unit: Unit): PodHandle[] {
    const handles = [...unit.pods.values()].map((pod) => this.scheduler.snapshot.handle(pod));
    return [...new Set(handles)];
  }
}
