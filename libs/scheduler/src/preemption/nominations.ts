import type { PodHandle } from '../pod-class.js';
import type { Snapshot } from '../snapshot.js';

const prefix = 'nominated/';

export interface Nomination {
  readonly uid: string;
  readonly node: string;
  readonly handle: PodHandle;
}

/**
 * Pods that wait for their victims to go. Each counts on its node as if it were there, under a uid of its own,
 * so that nobody else takes the room that is made for it; the node may be promised beyond what it has for as
 * long as the victims end.
 */
export class Nominations {
  private readonly byUid = new Map<string, Nomination>();

  constructor(private readonly snapshot: Snapshot) {}

  get size(): number {
    return this.byUid.size;
  }

  get(uid: string): Nomination | undefined {
    return this.byUid.get(uid);
  }

  /** Replaces an earlier nomination of the pod. A node that is unknown is remembered until it appears. */
  nominate(uid: string, handle: PodHandle, node: string): void {
    this.withdraw(uid);
    this.byUid.set(uid, { uid, node, handle });
    this.count(uid);
  }

  withdraw(uid: string): Nomination | undefined {
    const known = this.byUid.get(uid);
    this.byUid.delete(uid);
    this.snapshot.removePod(prefix + uid);
    return known;
  }

  /** Runs `look` while the pod's own nomination is not counted. */
  without<T>(uid: string, look: () => T): T {
    if (!this.byUid.has(uid)) return look();
    this.snapshot.removePod(prefix + uid);
    try {
      return look();
    } finally {
      if (this.byUid.has(uid)) this.count(uid);
    }
  }

  /** The nominated pod behind a uid of the snapshot, if that is what it stands for. */
  behind(uid: string): Nomination | undefined {
    return uid.startsWith(prefix) ? this.byUid.get(uid.slice(prefix.length)) : undefined;
  }

  /** Uids, as the snapshot has them, of the nominations to this node. */
  on(node: string): string[] {
    return [...this.byUid.values()].flatMap((n) => (n.node === node ? [prefix + n.uid] : []));
  }

  private count(uid: string): void {
    const { handle, node } = this.byUid.get(uid)!;
    this.snapshot.reserve(prefix + uid, handle, node);
  }
}
