import { DomainCounter } from './domain-counter.js';
import { Domains } from './domains.js';
import type { PodMatcher } from './pod-matcher.js';
import type { LabelSet } from '../pod-class.js';

/** A counter that classes share, with the sort of pods that it counts. */
export interface Counted {
  readonly key: string;
  readonly matcher: PodMatcher;
  readonly counter: DomainCounter;
}

export interface NamedInclusion {
  readonly key: string;
  readonly test: (slot: number) => boolean;
}

/** Which counters a label set is counted by, and which carried terms are about it. */
export interface Membership {
  readonly countedBy: readonly DomainCounter[];
  readonly repelledBy: readonly Counted[];
}

/** Fills a new counter with the nodes and pods that are already there. */
export interface CounterSource {
  readonly capacity: number;
  forEachNode(visit: (slot: number, label: string | undefined) => void, key: string): void;
  forEachPlacedPod(visit: (slot: number, labelSet: LabelSet) => void): void;
}

/**
 * All domain counters of a snapshot. `matching` counters count pods by what they are; `carriers` count pods
 * by the anti-affinity term they carry, which is how a placed pod keeps others away.
 */
export class CounterRegistry {
  readonly domains = new Map<string, Domains>();
  private readonly matchingCounters = new Map<string, Counted>();
  private readonly carrierCounters = new Map<string, Counted>();
  private memberships = new WeakMap<LabelSet, Membership>();
  /** Grows when another sort of pods begins to be counted. */
  version = 0;

  constructor(private readonly source: CounterSource) {}

  matching(matcher: PodMatcher, topologyKey: string, includes?: NamedInclusion): Counted {
    const key = `${topologyKey} ${includes?.key ?? ''} ${matcher.key}`;
    const known = this.matchingCounters.get(key);
    if (known) return known;
    const counter = new DomainCounter(this.domainsOf(topologyKey), includes?.test);
    this.fill(matcher, counter);
    return this.register(this.matchingCounters, { key, matcher, counter });
  }

  /** Counts all pods anew: which of them a matcher means may have changed with a namespace's labels. */
  recount(): void {
    this.memberships = new WeakMap();
    this.version++;
    for (const { matcher, counter } of this.matchingCounters.values()) {
      counter.reset();
      this.fill(matcher, counter);
    }
  }

  private fill(matcher: PodMatcher, counter: DomainCounter): void {
    this.source.forEachNode((slot) => counter.addNode(slot, 1), counter.domains.key);
    this.source.forEachPlacedPod((slot, { namespace, labels }) => {
      if (matcher.matches(namespace, labels)) counter.addPods(slot, 1);
    });
  }

  /** No pod carries a term before the first class with it exists, so this one starts empty. */
  carriers(matcher: PodMatcher, topologyKey: string): Counted {
    const key = `${topologyKey} ${matcher.key}`;
    const known = this.carrierCounters.get(key);
    if (known) return known;
    const counter = new DomainCounter(this.domainsOf(topologyKey));
    return this.register(this.carrierCounters, { key, matcher, counter });
  }

  membership(labelSet: LabelSet): Membership {
    const known = this.memberships.get(labelSet);
    if (known) return known;
    const isAbout = ({ matcher }: Counted) => matcher.matches(labelSet.namespace, labelSet.labels);
    const membership = {
      countedBy: [...this.matchingCounters.values()].filter(isAbout).map((c) => c.counter),
      repelledBy: [...this.carrierCounters.values()].filter(isAbout),
    };
    this.memberships.set(labelSet, membership);
    return membership;
  }

  addNode(slot: number, delta: 1 | -1): void {
    for (const { counter } of this.matchingCounters.values()) counter.addNode(slot, delta);
  }

  grow(capacity: number): void {
    for (const domains of this.domains.values()) domains.grow(capacity);
  }

  private register(into: Map<string, Counted>, counted: Counted): Counted {
    into.set(counted.key, counted);
    this.memberships = new WeakMap();
    this.version++;
    return counted;
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
