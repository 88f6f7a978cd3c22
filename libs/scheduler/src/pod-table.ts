import type { PodHandle } from './pod-class.js';
import { PodsByNode } from './pods-by-node.js';

/** Where a pod is whose node is not known. */
export const nowhere = -1;

const initialBuckets = 128;
/** Numbers per bucket: the uid's hash, and the pod's number plus one. */
const bucketWidth = 2;
/** What an entry has of each pod: the uid, the handle, and twice the slot, plus one while it is assumed. */
const entryWidth = 3;
const [handleAt, placeAt] = [1, 2];

/**
 * Pods by uid and by a small number that stays with a pod for as long as it is held. Flat arrays and a hash
 * table of its own, since a decision's time goes into memory that is far apart: what adding or removing one
 * pod touches lies in as few places as can be, and no object is made per pod.
 */
export class PodTable {
  /** By number, one entry after the other: who looks for one part of it asks for the others. */
  private readonly entries: (string | PodHandle | number | undefined)[] = [];
  private readonly freed: number[] = [];
  private readonly byNode = new PodsByNode();
  private buckets = new Int32Array(initialBuckets * bucketWidth);
  private mask = initialBuckets - 1;
  private count = 0;
  private hashedUid = '';
  private hash = hashOf('');

  get size(): number {
    return this.count;
  }

  /** The pod's number, or -1. */
  find(uid: string): number {
    const { buckets, mask, entries } = this;
    const hash = this.hashOf(uid);
    for (let at = hash & mask; ; at = (at + 1) & mask) {
      const number = buckets[at * bucketWidth + 1]! - 1;
      if (number < 0) return -1;
      if (buckets[at * bucketWidth] === hash && entries[number * entryWidth] === uid) return number;
    }
  }

  /** Adds a pod that is not in the table. */
  add(uid: string, handle: PodHandle, slot: number, assumed: boolean): number {
    if (++this.count > this.mask * 0.75) this.growBuckets();
    const number = this.freed.pop() ?? this.end;
    const at = number * entryWidth;
    this.entries[at] = uid;
    this.entries[at + handleAt] = handle;
    this.entries[at + placeAt] = placeOf(slot, assumed);
    if (slot >= 0) this.byNode.note(number);
    this.enter(this.hashOf(uid), number + 1);
    return number;
  }

  remove(number: number): void {
    this.leave(this.hashOf(this.uid(number)), number + 1);
    const at = number * entryWidth;
    this.entries[at] = undefined;
    this.entries[at + handleAt] = undefined;
    this.entries[at + placeAt] = undefined;
    this.freed.push(number);
    this.count--;
  }

  uid(number: number): string {
    return this.entries[number * entryWidth] as string;
  }

  handle(number: number): PodHandle {
    return this.entries[number * entryWidth + handleAt] as PodHandle;
  }

  slot(number: number): number {
    return this.place(number) >> 1;
  }

  move(number: number, slot: number): void {
    this.entries[number * entryWidth + placeAt] = placeOf(slot, this.isAssumed(number));
    if (slot >= 0) this.byNode.note(number);
  }

  isAssumed(number: number): boolean {
    return (this.place(number) & 1) === 1;
  }

  confirm(number: number): void {
    this.entries[number * entryWidth + placeAt] = placeOf(this.slot(number), false);
  }

  /** Numbers of all pods, in no order. */
  *[Symbol.iterator](): Generator<number> {
    for (let n = 0; n < this.end; n++) if (this.entries[n * entryWidth] !== undefined) yield n;
  }

  /** Numbers of the pods on one node. */
  on(slot: number): number[] {
    return this.byNode.on(slot, this.end, this.slotIfHeld);
  }

  /** All numbers below this one have been used. */
  private get end(): number {
    return this.entries.length / entryWidth;
  }

  private readonly slotIfHeld = (number: number): number => {
    const place = this.entries[number * entryWidth + placeAt] as number | undefined;
    return place === undefined ? nowhere : place >> 1;
  };

  private place(number: number): number {
    return this.entries[number * entryWidth + placeAt] as number;
  }

  /** A pod is looked for before it is added or removed, so the last hash is often the one asked for. */
  private hashOf(uid: string): number {
    if (uid === this.hashedUid) return this.hash;
    this.hashedUid = uid;
    return (this.hash = hashOf(uid));
  }

  private enter(hash: number, entry: number): void {
    const { buckets, mask } = this;
    let at = hash & mask;
    while (buckets[at * bucketWidth + 1] !== 0) at = (at + 1) & mask;
    buckets[at * bucketWidth] = hash;
    buckets[at * bucketWidth + 1] = entry;
  }

  /** What was pushed on by the leaving entry moves back, so that no search meets a gap too early. */
  private leave(hash: number, entry: number): void {
    const { buckets, mask } = this;
    let gap = hash & mask;
    while (buckets[gap * bucketWidth + 1] !== entry) gap = (gap + 1) & mask;
    for (let at = (gap + 1) & mask; ; at = (at + 1) & mask) {
      const moved = buckets[at * bucketWidth + 1]!;
      if (moved === 0) break;
      const home = buckets[at * bucketWidth]! & mask;
      if (((at - home) & mask) < ((at - gap) & mask)) continue;
      buckets[gap * bucketWidth] = buckets[at * bucketWidth]!;
      buckets[gap * bucketWidth + 1] = moved;
      gap = at;
    }
    buckets[gap * bucketWidth + 1] = 0;
  }

  private growBuckets(): void {
    const old = this.buckets;
    this.buckets = new Int32Array(old.length * 2);
    this.mask = this.buckets.length / bucketWidth - 1;
    for (let i = 0; i < old.length; i += bucketWidth) {
      if (old[i + 1] !== 0) this.enter(old[i]!, old[i + 1]!);
    }
  }
}

function placeOf(slot: number, assumed: boolean): number {
  return slot * 2 + (assumed ? 1 : 0);
}

/** FNV-1a with a last mix, so that the low bits depend on all of the text. */
function hashOf(text: string): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193);
  hash ^= hash >>> 15;
  hash = Math.imul(hash, 0x2c1b3c6d);
  return hash ^ (hash >>> 13);
}
