import type { ApiObject } from '@gantry/api';
import type { Clock } from '@gantry/base';
import type { Informer } from '@gantry/controller';

/** After this time an expectation is given up: the cache then shows the truth, whatever became of the write. */
export const patienceMs = 60_000;

/** What is expected, by uid: by whom, and until when. */
class Expected {
  private readonly owners = new Map<string, string>();
  /** By owner, in the order of their ends. */
  private readonly ends = new Map<string, Map<string, number>>();

  add(owner: string, uid: string, expiresMs: number): void {
    this.delete(uid);
    this.owners.set(uid, owner);
    const own = this.ends.get(owner);
    if (own) own.set(uid, expiresMs);
    else this.ends.set(owner, new Map([[uid, expiresMs]]));
  }

  delete(uid: string): void {
    const owner = this.owners.get(uid);
    if (owner === undefined) return;
    this.owners.delete(uid);
    const own = this.ends.get(owner);
    own?.delete(uid);
    if (own?.size === 0) this.ends.delete(owner);
  }

  isWaiting(owner: string, nowMs: number): boolean {
    for (const [uid, expiresMs] of this.ends.get(owner) ?? []) {
      if (expiresMs > nowMs) return true;
      this.delete(uid);
    }
    return false;
  }
}

/**
 * Writes of ours that the cache does not show yet, by uid. Until it does, counting the cache would make a
 * controller create or delete the same pods twice.
 */
export class Expectations {
  private readonly creations = new Expected();
  private readonly deletions = new Expected();

  constructor(private readonly clock: Clock) {}

  expectCreation(owner: string, uid: string): void {
    this.creations.add(owner, uid, this.clock.now() + patienceMs);
  }

  expectDeletion(owner: string, uid: string): void {
    this.deletions.add(owner, uid, this.clock.now() + patienceMs);
  }

  /** Takes note of a change of the object, after the cache has it. */
  observe<T extends ApiObject>({ metadata }: T, cache: Informer<T>): void {
    const { namespace, name, uid } = metadata;
    const current = cache.get(namespace, name!)?.metadata;
    if (current?.uid !== uid || current?.deletionTimestamp) this.ending(uid!);
    else this.creations.delete(uid!);
  }

  /** The cache shows that the object is going or gone. */
  ending(uid: string): void {
    this.creations.delete(uid);
    this.deletions.delete(uid);
  }

  /** Whether the cache lacks a write of this owner. */
  isWaiting(owner: string): boolean {
    const nowMs = this.clock.now();
    return this.creations.isWaiting(owner, nowMs) || this.deletions.isWaiting(owner, nowMs);
  }
}
