import { DomainCounter } from './domain-counter.js';
import { Domains } from './domains.js';
import type { PodMatcher } from './pod-matcher.js';
import type { Labels } from '../input.js';
import type { LabelSet } from '../pod-class.js';

/** A counter that classes share, with the sort of pods that it counts. */
export interface Counted {
  readonly key: string;
  readonly matcher: PodMatcher;
  readonly counter: DomainCounter;
}

export interface NamedInclusion {
  readonly key: string;
  /** Undefined when every node takes part. */
  readonly test: ((slot: number) => boolean) | undefined;
}

/** Which counters a label set is counted by, and which carried terms are about it. */
export interface Membership {
  readonly countedBy: readonly DomainCounter[];
  readonly repelledBy: readonly Counted[];
}

/** That of the many label sets that no term is about: one for all, so that it is always at hand. */
const noMembership: Membership = { countedBy: [], repelledBy: [] };

/** The nodes and pods that are already there when a new counter begins. */
export interface CounterSource {
  readonly capacity: number;
  /** All that any pod of the snapshot has. */
  labelSets(): Iterable<LabelSet>;
  forEachNode(visit: (slot: number, label: string | undefined) => void, key: string): void;
  forEachPlacedPod(visit: (slot: number, labelSet: LabelSet) => void): void;
}

/**
 * All domain counters of a snapshot. `matching` counters count pods by what they are; `carriers` count pods
 * by the anti-affinity term they carry, which is how a placed pod keeps others away.
 */
export class CounterRegistry {
  readonly domains = new Map<string, Domains>();
  /** Grows when what is counted changed for pods that are known already. */
  version = 0;
  private readonly matchingCounters = new Map<string, Counted>();
  private readonly carrierCounters = new Map<string, Counted>();
  /** Counters that know which domains exist, and hence a minimum. */
  private readonly spreadCounters = new Set<DomainCounter>();

  constructor(private readonly source: CounterSource) {}

  /** Pods of one sort by domain; with `includes` also the domains' minimum, over the nodes included. */
  matching(matcher: PodMatcher, topologyKey: string, includes?: NamedInclusion): Counted {
    const key = `${topologyKey} ${includes ? includes.key : '-'} ${matcher.key}`;
    const known = this.matchingCounters.get(key);
    if (known) return known;
    const counter = new DomainCounter(this.domainsOf(topologyKey), includes?.test);
    if (includes) this.spreadCounters.add(counter);
    const made = { key, matcher, counter };
    this.matchingCounters.set(key, made);
    this.populate(made);
    for (const labelSet of this.meant(matcher)) {
      const { countedBy, repelledBy } = labelSet.membership;
      labelSet.membership = { countedBy: [...countedBy, counter], repelledBy };
    }
    return made;
  }

  /** No pod carries a term before the first class with it exists, so this one starts empty. */
  carriers(matcher: PodMatcher, topologyKey: string): Counted {
    const key = `${topologyKey} ${matcher.key}`;
    const known = this.carrierCounters.get(key);
    if (known) return known;
    const made = { key, matcher, counter: new DomainCounter(this.domainsOf(topologyKey)) };
    this.carrierCounters.set(key, made);
    for (const labelSet of this.meant(matcher)) {
      const { countedBy, repelledBy } = labelSet.membership;
      labelSet.membership = { countedBy, repelledBy: [...repelledBy, made] };
    }
    return made;
  }

  /** For a label set that is new. */
  membership(namespace: string, labels: Labels): Membership {
    const isAbout = ({ matcher }: Counted) => matcher.matches(namespace, labels);
    const countedBy = [...this.matchingCounters.values()].filter(isAbout).map((c) => c.counter);
    const repelledBy = [...this.carrierCounters.values()].filter(isAbout);
    return countedBy.length + repelledBy.length > 0 ? { countedBy, repelledBy } : noMembership;
  }

  /** Counts all pods anew: which of them a matcher means may have changed with a namespace's labels. */
  recount(): void {
    this.version++;
    this.renewMemberships();
    for (const counted of this.matchingCounters.values()) {
      counted.counter.reset();
      this.populate(counted);
    }
  }

  /** Lets counters go that no class reads any more. */
  retain(used: ReadonlySet<Counted>): void {
    for (const counters of [this.matchingCounters, this.carrierCounters]) {
      for (const [key, counted] of counters) {
        if (used.has(counted)) continue;
        counters.delete(key);
        this.spreadCounters.delete(counted.counter);
      }
    }
    this.version++;
    this.renewMemberships();
  }

  addNode(slot: number, delta: 1 | -1): void {
    for (const counter of this.spreadCounters) counter.addNode(slot, delta);
  }

  grow(capacity: number): void {
    for (const domains of this.domains.values()) domains.grow(capacity);
  }

  private renewMemberships(): void {
    for (const labelSet of this.source.labelSets()) {
      labelSet.membership = this.membership(labelSet.namespace, labelSet.labels);
    }
  }

  private *meant(matcher: PodMatcher): Generator<LabelSet> {
    for (const labelSet of this.source.labelSets()) {
      if (matcher.matches(labelSet.namespace, labelSet.labels)) yield labelSet;
    }
  }

  private populate({ matcher, counter }: Counted): void {
    if (this.spreadCounters.has(counter)) {
      this.source.forEachNode((slot) => counter.addNode(slot, 1), counter.domains.key);
    }
    const meant = new Set<LabelSet>();
    for (const labelSet of this.meant(matcher)) if (labelSet.placed > 0) meant.add(labelSet);
    // Most new counters are about pods of which none is there yet.
    if (meant.size === 0) return;
    this.source.forEachPlacedPod((slot, labelSet) => {
      if (meant.has(labelSet)) counter.addPods(slot, 1);
    });
  }

  private domainsOf(key: string): Domains {
    let domains = this.domains.get(key);
    if (!domains) {
      const made = new Domains(key, this.source.capacity);
      this.source.forEachNode((slot, label) => made.assign(slot, label), key);
      this.domains.set(key, (domains = made));
    }
    return domains;
  }
}
