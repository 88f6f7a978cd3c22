import {
  defaultScheduleTimeoutSeconds,
  PodGroupKind,
  podGroupOf,
  type Pod,
  type PodGroup,
} from '@gantry/api';
import type { Informer, Informers } from '@gantry/controller';
import { uidOf } from '@gantry/scheduler';

/** What a gang needs, as its PodGroup and its pods are now. */
export interface GangWish {
  /** `NAMESPACE/NAME`. */
  readonly name: string;
  /** Members that still have to find a place, all at once; 0 when enough run. */
  readonly required: number;
  readonly minMember: number;
  readonly timeoutMs: number;
}

/** Gangs by their PodGroups, and which of their pods have a node already. */
export class Gangs {
  readonly groups: Informer<PodGroup>;
  private readonly placed = new Map<string, Set<string>>();

  constructor(informers: Informers) {
    this.groups = informers.for(PodGroupKind);
  }

  /** Undefined while the PodGroup does not exist. */
  wish(name: string): GangWish | undefined {
    const group = this.groups.getByKey(name);
    if (!group) return undefined;
    const { minMember, scheduleTimeoutSeconds = defaultScheduleTimeoutSeconds } = group.spec;
    const required = Math.max(0, minMember - (this.placed.get(name)?.size ?? 0));
    return { name, required, minMember, timeoutMs: scheduleTimeoutSeconds * 1_000 };
  }

  /**
   * A pod that does not wait, or no longer: it counts for its gang while it has a node and is not leaving.
   * Returns whether that changed.
   */
  observe(pod: Pod, isGone: boolean): boolean {
    const name = podGroupOf(pod);
    if (!name) return false;
    const phase = pod.status?.phase;
    const stays =
      !isGone && pod.spec.nodeName && !pod.metadata.deletionTimestamp && phase !== 'Failed';
    const placed = this.placed.get(name) ?? new Set();
    const uid = uidOf(pod);
    if (placed.has(uid) === Boolean(stays)) return false;
    if (stays) placed.add(uid);
    else placed.delete(uid);
    if (placed.size > 0) this.placed.set(name, placed);
    else this.placed.delete(name);
    return true;
  }
}

/** Why a gang's pods are not tried yet. */
export function assemblySentence(
  name: string,
  wish: GangWish | undefined,
  waiting: number,
  isLate: boolean,
): string {
  if (!wish) return `waits for its group ${name}, which does not exist: create the PodGroup`;
  const there = wish.minMember - wish.required + waiting;
  const late = isLate ? `, for longer than the ${wish.timeoutMs / 1_000}s it gives itself` : '';
  return `waits for its group ${name}: ${there} of ${wish.minMember} members are there${late}`;
}
