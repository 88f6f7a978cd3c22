/** Up to this many domains, counts lie in an array by domain: zones and the like. */
const maxDense = 16;
const initialBuckets = 16;
/** Numbers per bucket: the domain plus one, and its count. */
const bucketWidth = 2;

/**
 * A count by domain that is 0 for most: of hosts' names there are as many as nodes, and of one service's pods
 * few. Small numbers of domains have an array, others a hash table of those that do not count 0.
 */
export class DomainCounts {
  private dense = new Int32Array(maxDense);
  private buckets: Int32Array | undefined;
  private used = 0;
  private mask = 0;

  get(domain: number): number {
    const { buckets } = this;
    if (domain < maxDense) return this.dense[domain]!;
    if (buckets === undefined) return 0;
    const { mask } = this;
    for (let at = homeOf(domain) & mask; ; at = (at + 1) & mask) {
      const held = buckets[at * bucketWidth]!;
      if (held === domain + 1) return buckets[at * bucketWidth + 1]!;
      if (held === 0) return 0;
    }
  }

  /** Returns the new count. */
  add(domain: number, delta: number): number {
    if (domain < maxDense) return (this.dense[domain]! += delta);
    const at = this.bucketFor(domain);
    const count = (this.buckets![at + 1]! += delta);
    if (count === 0) this.remove(at / bucketWidth);
    return count;
  }

  clear(): void {
    this.dense.fill(0);
    this.buckets = undefined;
    this.used = 0;
  }

  /** The domain's bucket, made when it has none. */
  private bucketFor(domain: number): number {
    if (this.buckets === undefined) this.lay(initialBuckets);
    const found = this.probe(domain);
    if (this.buckets![found] !== 0) return found;
    if (this.used * 2 >= this.mask) {
      this.lay((this.mask + 1) * 2);
      return this.bucketFor(domain);
    }
    this.used++;
    this.buckets![found] = domain + 1;
    return found;
  }

  private probe(domain: number): number {
    const { mask } = this;
    const buckets = this.buckets!;
    let at = homeOf(domain) & mask;
    while (buckets[at * bucketWidth] !== 0 && buckets[at * bucketWidth] !== domain + 1) {
      at = (at + 1) & mask;
    }
    return at * bucketWidth;
  }

  /** What was pushed on by the leaving entry moves back, so that no search meets a gap too early. */
  private remove(leaving: number): void {
    const { mask } = this;
    const buckets = this.buckets!;
    let gap = leaving;
    for (let at = (gap + 1) & mask; buckets[at * bucketWidth] !== 0; at = (at + 1) & mask) {
      const home = homeOf(buckets[at * bucketWidth]! - 1) & mask;
      if (((at - home) & mask) < ((at - gap) & mask)) continue;
      buckets.copyWithin(gap * bucketWidth, at * bucketWidth, (at + 1) * bucketWidth);
      gap = at;
    }
    buckets.fill(0, gap * bucketWidth, (gap + 1) * bucketWidth);
    this.used--;
  }

  private lay(size: number): void {
    const old = this.buckets;
    this.buckets = new Int32Array(size * bucketWidth);
    this.mask = size - 1;
    for (let at = 0; at < (old?.length ?? 0); at += bucketWidth) {
      if (old![at] !== 0) this.buckets.set(old!.subarray(at, at + 2), this.probe(old![at]! - 1));
    }
  }
}

function homeOf(domain: number): number {
  const hash = Math.imul(domain, 0x9e3779b1);
  return hash ^ (hash >>> 15);
}
