import type { ApiObject } from '@gantry/api';
import type { Clock } from '@gantry/base';
import type { Informer } from '@gantry/controller';

/** After this time an expectation is given up: the cache then shows the truth, whatever became of the write. */
const patienceMs = 60_000;

interface Expectation {
  readonly owner: string;
  readonly expiresMs: number;
}

/**
 * Writes of ours that the cache does not show yet, by uid. Until it does, counting the cache would make a
 * controller create or delete the same pods twice.
 */
export class Expectations {
  private readonly creations = new Map<string, Expectation>();
  private readonly deletions = new Map<string, Expectation>();

  constructor(private readonly clock: Clock) {}

  expectCreation(owner: string, uid: string): void {
    this.creations.set(uid, this.expectation(owner));
  }

  expectDeletion(owner: string, uid: string): void {
    this.deletions.set(uid, this.expectation(owner));
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
    for (const expectations of [this.creations, this.deletions]) {
      for (const [uid, expectation] of expectations) {
        if (expectation.expiresMs <= nowMs) expectations.delete(uid);
        else if (expectation.owner === owner) return true;
      }
    }
    return false;
  }

  private expectation(owner: string): Expectation {
    return { owner, expiresMs: this.clock.now() + patienceMs };
  }
}
