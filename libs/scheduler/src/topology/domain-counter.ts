import { DomainCounts } from './domain-counts.js';
import { noDomain, type Domains } from './domains.js';

/** Whether a node takes part in the count (node inclusion policies of topology spread). */
export type NodeInclusion = (slot: number) => boolean;

/**
 * How many pods of one sort each domain holds, kept by increments. A domain exists for the count while it
 * has at least one included node; the smallest count over existing domains is known at all times.
 */
export class DomainCounter {
  /** Pods in all domains together. */
  total = 0;
  private readonly counts = new DomainCounts();
  private readonly nodes = new DomainCounts();
  /** Existing domains by their count, so that the minimum moves by steps and needs no scan. */
  private readonly histogram: number[] = [0];
  private existing = 0;
  private lowest = 0;
  /** All domains with pods by their count, so that the maximum moves by steps too. */
  private readonly byCount: number[] = [0];
  private highest = 0;

  constructor(
    readonly domains: Domains,
    private readonly includes?: NodeInclusion | undefined,
  ) {}

  /** Domains with at least one included node. */
  get size(): number {
    return this.existing;
  }

  /** The smallest count of any existing domain; 0 when there is none. */
  get minimum(): number {
    return this.existing === 0 ? 0 : this.lowest;
  }

  /** The largest count of any domain. */
  get maximum(): number {
    return this.highest;
  }

  /** Pods in the node's domain; 0 when it belongs to none. */
  at(slot: number): number {
    const domain = this.domains.domainOf[slot]!;
    return domain === noDomain ? 0 : this.counts.get(domain);
  }

  inDomain(domain: number): number {
    return this.counts.get(domain);
  }

  exists(domain: number): boolean {
    return this.nodes.get(domain) > 0;
  }

  addNode(slot: number, delta: 1 | -1): void {
    const domain = this.domains.domainOf[slot]!;
    if (domain === noDomain || !this.isIncluded(slot)) return;
    const after = this.nodes.add(domain, delta);
    if (delta === 1 && after === 1) this.appear(this.counts.get(domain));
    else if (after === 0) this.vanish(this.counts.get(domain));
  }

  addPods(slot: number, delta: number): void {
    const domain = this.domains.domainOf[slot]!;
    if (domain === noDomain || !this.isIncluded(slot)) return;
    const after = this.counts.add(domain, delta);
    this.total += delta;
    this.noteCount(after - delta, after);
    if (this.existing > 0 && this.nodes.get(domain) > 0) {
      this.vanish(after - delta);
      this.appear(after);
    }
  }

  reset(): void {
    this.counts.clear();
    this.nodes.clear();
    this.histogram.fill(0);
    this.total = 0;
    this.existing = 0;
    this.lowest = 0;
    this.byCount.fill(0);
    this.highest = 0;
  }

  private noteCount(before: number, after: number): void {
    const { byCount } = this;
    while (byCount.length <= after) byCount.push(0);
    byCount[before]!--;
    byCount[after]!++;
    if (after > this.highest) this.highest = after;
    while (this.highest > 0 && byCount[this.highest] === 0) this.highest--;
  }

  private isIncluded(slot: number): boolean {
    return this.includes === undefined || this.includes(slot);
  }

  private appear(count: number): void {
    while (this.histogram.length <= count) this.histogram.push(0);
    this.histogram[count]!++;
    if (this.existing++ === 0 || count < this.lowest) this.lowest = count;
  }

  private vanish(count: number): void {
    this.histogram[count]!--;
    if (--this.existing === 0 || count !== this.lowest) return;
    while (this.histogram[this.lowest] === 0) this.lowest++;
  }
}
