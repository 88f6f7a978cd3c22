/** Pods that may come before the index is thrown away and made anew when it is next asked. */
const maxMoved = 1_024;

/** The slot on which the pod of a number is; negative when it is on none. */
type SlotOf = (number: number) => number;

/**
 * Which pods are on a node, for what happens seldom: made when it is asked for, so that placing a pod pays
 * next to nothing for it, and kept while few pods come, so that changes of many nodes in a row are cheap.
 */
export class PodsByNode {
  /** Where the pods of each slot begin in `numbers`; undefined while there is no index. */
  private starts: Int32Array | undefined;
  private numbers = new Int32Array(0);
  private readonly moved: number[] = [];

  /** The pod of this number came to a node. Who left is seen when it is asked. */
  note(number: number): void {
    if (this.starts === undefined) return;
    this.moved.push(number);
    if (this.moved.length > maxMoved) this.starts = undefined;
  }

  /** Numbers of the pods on this slot, given the slots of all pods: of all numbers below the end. */
  on(slot: number, end: number, slotOf: SlotOf): number[] {
    const starts = this.starts ?? this.build(end, slotOf);
    const candidates = new Set(this.moved);
    const last = starts[slot + 1] ?? 0;
    for (let i = starts[slot] ?? last; i < last; i++) candidates.add(this.numbers[i]!);
    return [...candidates].filter((number) => slotOf(number) === slot);
  }

  private build(end: number, slotOf: SlotOf): Int32Array {
    const slots = Int32Array.from({ length: end }, (_, number) => slotOf(number));
    let last = -1;
    for (const slot of slots) last = Math.max(last, slot);
    const starts = new Int32Array(last + 2);
    for (const slot of slots) if (slot >= 0) starts[slot + 1]!++;
    for (let slot = 0; slot <= last; slot++) starts[slot + 1]! += starts[slot]!;
    const next = starts.slice();
    this.numbers = new Int32Array(starts[last + 1]!);
    slots.forEach((slot, number) => {
      if (slot >= 0) this.numbers[next[slot]!++] = number;
    });
    this.moved.length = 0;
    return (this.starts = starts);
  }
}
