import { unavailable } from '@gantry/base';
import type { UserRange } from '@gantry/runtime-client';

/** How many ids a pod gets: all that a 16 bit uid can say. */
export const podUserIds = 65_536;

/** Ids of the host from which pods with `hostUsers: false` get theirs; the last is included. */
export interface UserRangeConfig {
  readonly first: number;
  readonly last: number;
}

/** Reads FIRST-LAST; it must hold at least one pod's ids and leave the host's own users alone. */
export function parseUserRange(text: string): UserRangeConfig {
  const [first = 0, last = 0] = (/^(\d{1,10})-(\d{1,10})$/.exec(text) ?? []).slice(1).map(Number);
  if (first >= podUserIds && last < 2 ** 32 - 1 && last - first + 1 >= podUserIds) {
    return Object.freeze({ first, last });
  }
  throw new Error(`must be FIRST-LAST from ${podUserIds} on, with at least ${podUserIds} ids`);
}

/** Which ids of the host belong to which pod. The pods' own records are what outlives the agent. */
export class UserRanges {
  private readonly taken = new Map<number, string>();
  private next = 0;

  constructor(private readonly config: UserRangeConfig) {}

  /** Notes a range that a pod had before the agent was started. */
  hold(uid: string, range: UserRange): void {
    this.taken.set(range.first, uid);
  }

  /** A range that no other pod has; ServiceUnavailable when all are taken. Ranges rest before they are used again. */
  take(uid: string): UserRange {
    const { first, last } = this.config;
    const count = Math.floor((last - first + 1) / podUserIds);
    for (let tried = 0; tried < count; tried += 1) {
      const candidate = first + ((this.next + tried) % count) * podUserIds;
      if (this.overlaps(candidate)) continue;
      this.next = (this.next + tried + 1) % count;
      const range = { first: candidate, size: podUserIds };
      this.hold(uid, range);
      return range;
    }
    throw unavailable(
      `spec.hostUsers: all ${count} ranges of user ids of this node are taken; widen the agent's --pod-user-ids`,
    );
  }

  release(uid: string): void {
    for (const [first, holder] of this.taken) if (holder === uid) this.taken.delete(first);
  }

  // Also with ranges of an earlier configuration, whose grid may have been another.
  private overlaps(first: number): boolean {
    return [...this.taken.keys()].some((other) => Math.abs(other - first) < podUserIds);
  }
}
