/** Seeded, so that every run of a bench meets the same cluster (Mulberry32). */
export class Random {
  private state: number;

  constructor(seed: number) {
    this.state = seed;
  }

  /** From 0 up to, not including, 1. */
  next(): number {
    this.state = (this.state + 0x6d2b79f5) | 0;
    let t = Math.imul(this.state ^ (this.state >>> 15), 1 | this.state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296;
  }

  below(bound: number): number {
    return Math.floor(this.next() * bound);
  }
}

/** Draws from a list by weight, in constant time (Vose's alias method). */
export class WeightedChoice<T> {
  private readonly items: readonly T[];
  private readonly keep: Float64Array;
  private readonly alias: Int32Array;

  constructor(items: readonly T[], weightOf: (item: T) => number) {
    this.items = items;
    const n = items.length;
    this.keep = new Float64Array(n).fill(1);
    this.alias = new Int32Array(n);
    const total = items.reduce((sum, item) => sum + weightOf(item), 0);
    const scaled = items.map((item) => (weightOf(item) * n) / total);
    const small = scaled.flatMap((value, i) => (value < 1 ? [i] : []));
    const large = scaled.flatMap((value, i) => (value >= 1 ? [i] : []));
    while (small.length > 0 && large.length > 0) {
      const [less, more] = [small.pop()!, large.pop()!];
      this.keep[less] = scaled[less]!;
      this.alias[less] = more;
      scaled[more]! -= 1 - scaled[less]!;
      (scaled[more]! < 1 ? small : large).push(more);
    }
  }

  draw(random: Random): T {
    const i = random.below(this.items.length);
    return this.items[random.next() < this.keep[i]! ? i : this.alias[i]!]!;
  }
}
