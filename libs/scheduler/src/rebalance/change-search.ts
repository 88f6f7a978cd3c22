import type { PlacedPod } from '../snapshot.js';
import { Best } from './best.js';
import type { Moves } from './moves.js';
import { Tenancies, type Tenancy } from './tenancies.js';

/** A pod goes from the slot that is short to another, and perhaps one from there comes in its place. */
export interface Change {
  readonly pod: PlacedPod;
  readonly to: number;
  readonly other: PlacedPod | undefined;
  /** How much less is missing then, as a share of what is asked for, by move. */
  readonly gain: number;
}

/** Changes that are found for one state, the most useful ones. */
const maxChanges = 16;
/** Slots with which a slot exchanges, those that have most of what is missing. */
const maxPartners = 2_000;

/** Finds pods whose exchange leaves a slot with more of what is missing there, by amounts alone. */
export class ChangeSearch {
  private readonly tenancies: Tenancies;

  constructor(private readonly moves: Moves) {
    this.tenancies = new Tenancies(moves);
  }

  amounts: Tenancies['amounts'] = (ask) => this.tenancies.amounts(ask);

  /** What of the ask is missing on the slot: its shares by resource, added up. */
  lack(slot: number, ask: Float64Array): number {
    return lackOf(ask, this.tenancies.free(slot));
  }

  /** The most useful first. */
  changes(slot: number, ask: Float64Array, most: number): Change[] {
    if (most < 1) return [];
    const short = this.shortSlot(slot, ask);
    const found = new Best<Change>(maxChanges);
    for (const { to, bound } of this.partners(slot, short)) {
      if (bound <= found.least) break;
      const partner: Partner = { to, room: this.tenancies.free(to) };
      addSingles(found, short, partner);
      if (most < 2 || bound / 2 <= found.least) continue;
      addExchanges(found, short, { ...partner, theirs: this.tenancies.of(to) });
    }
    return found.items;
  }

  private shortSlot(slot: number, ask: Float64Array): ShortSlot {
    const free = this.tenancies.free(slot);
    const own = this.tenancies.of(slot);
    const lack = lackOf(ask, free);
    const { columns } = this.tenancies;
    const gains = Float64Array.from(own.pods, (_, i) => {
      return lack - lackOf(ask, free, own.asks, i * columns);
    });
    return { free, own, ask, lack, gains };
  }

  /** Other slots and what they can do at most: whatever is exchanged, no more comes free than is free there. */
  private partners(slot: number, { free, ask, lack }: ShortSlot): { to: number; bound: number }[] {
    const { rows, stride } = this.moves.snapshot.nodes.resources;
    const partners: { to: number; bound: number }[] = [];
    for (const to of this.moves.inUse) {
      if (to === slot) continue;
      const bound = lack - lackOf(ask, free, rows, to * stride);
      if (bound > 0) partners.push({ to, bound });
    }
    return partners.sort((a, b) => b.bound - a.bound).slice(0, maxPartners);
  }
}

/** The slot that is short, its pods, and what each would gain by its going alone. */
interface ShortSlot {
  readonly free: Float64Array;
  readonly own: Tenancy;
  readonly ask: Float64Array;
  readonly lack: number;
  readonly gains: Float64Array;
}

interface Partner {
  readonly to: number;
  readonly room: Float64Array;
}

function addSingles(
  found: Best<Change>,
  { own, ask, gains }: ShortSlot,
  { to, room }: Partner,
): void {
  for (let i = 0; i < own.pods.length; i++) {
    const gain = gains[i]!;
    if (gain <= found.least || !holds(room, own.asks, i * ask.length)) continue;
    found.add(gain, { pod: own.pods[i]!, to, other: undefined, gain });
  }
}

function holds(room: Float64Array, asks: Float64Array, at: number): boolean {
  for (let c = 0; c < room.length; c++) {
    const asked = asks[at + c]!;
    if (asked > 0 && asked > room[c]!) return false;
  }
  return true;
}

function addExchanges(
  found: Best<Change>,
  short: ShortSlot,
  { to, room, theirs }: Partner & { readonly theirs: Tenancy },
): void {
  const { own, gains, lack } = short;
  for (let i = 0; i < own.pods.length; i++) {
    // What comes in its place can only lessen what its going gains.
    if (gains[i]! / 2 <= found.least) continue;
    for (let j = 0; j < theirs.pods.length; j++) {
      const gain = (lack - lackAfter(short, i, room, theirs.asks, j)) / 2;
      if (gain > found.least) {
        found.add(gain, { pod: own.pods[i]!, to, other: theirs.pods[j]!, gain });
      }
    }
  }
}

/** What is missing after the exchange; Infinity when there is no room for it. Many million times a plan. */
function lackAfter(
  { free, ask, own }: ShortSlot,
  ownIndex: number,
  room: Float64Array,
  theirs: Float64Array,
  theirIndex: number,
): number {
  const columns = ask.length;
  let lack = 0;
  for (let c = 0; c < columns; c++) {
    const freed = own.asks[ownIndex * columns + c]! - theirs[theirIndex * columns + c]!;
    if (freed > 0 ? freed > room[c]! : freed < 0 && -freed > free[c]!) return Infinity;
    const asked = ask[c]!;
    const missing = asked - free[c]! - freed;
    if (asked > 0 && missing > 0) lack += missing / asked;
  }
  return lack;
}

/** What is missing of the ask, with the amounts from `at` on besides what is free. */
function lackOf(ask: Float64Array, free: Float64Array, more?: Float64Array, at = 0): number {
  let lack = 0;
  for (let c = 0; c < ask.length; c++) {
    const asked = ask[c]!;
    const added = more === undefined ? 0 : more[at + c]!;
    const missing = asked - free[c]! - (added > 0 ? added : 0);
    if (asked > 0 && missing > 0) lack += missing / asked;
  }
  return lack;
}
