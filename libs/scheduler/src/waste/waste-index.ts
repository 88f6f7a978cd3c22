import type { Ask } from '../resource-table.js';
import type { Snapshot } from '../snapshot.js';
import { expectedWaste, type Residue } from './expected-waste.js';
import { mixOf, type PodMix } from './pod-mix.js';
import { residueAfter, residueOf } from './residues.js';
import { StateMemory } from './state-memory.js';

/** The mix is learnt first after this many changes, and then whenever as many came again as ever before. */
const changesBeforeLearning = 32;
/** Fewer pods than this tell little about the next one. */
const podsOfMix = 32;
/** However old the cluster is, the mix is never older than this many changes. */
const maxChangesBetween = 16_384;
/** Asks whose answers are kept; all are forgotten when there are more. */
const maxAsksKept = 256;

/** What is known of one ask, by slot: the node's version when it was found out, and the answer. */
interface Answers {
  readonly version: Int32Array;
  readonly rate: Float64Array;
}

/**
 * How much placing an ask on a node adds to the expected waste there, as a rate, remembered until the node
 * changes. Learns the mix of pods from those that are placed.
 */
export class WasteIndex {
  private mix: PodMix;
  private changes = 0;
  private learnAt = changesBeforeLearning;
  /** By slot; grows with every change of the node or of the mix. */
  private versions: Int32Array;
  private readonly answers = new Map<Ask, Answers>();
  private readonly states = new StateMemory();

  /** `rateOf` makes the rate of a node from what is added there, in mean pods. */
  constructor(
    private readonly snapshot: Snapshot,
    private readonly rateOf: (addedWaste: number) => number,
  ) {
    this.mix = mixOf(snapshot.nodes.resources.knownAsks());
    this.versions = new Int32Array(snapshot.nodes.capacity).fill(1);
    const changed = (slot: number) => this.changed(slot);
    snapshot.observe({ usageChanged: changed, nodeChanged: changed });
  }

  /** Whether enough pods were seen to tell what the next one will be like. */
  get knowsMix(): boolean {
    if (this.changes >= this.learnAt) this.learn();
    return this.mix.pods >= podsOfMix;
  }

  /** For nodes that fit. */
  rate(ask: Ask, slot: number): number {
    if (this.changes >= this.learnAt) this.learn();
    const { version, rate } = this.answers.get(ask) ?? this.begin(ask);
    const now = this.versions[slot]!;
    if (version[slot] !== now) {
      version[slot] = now;
      const { resources } = this.snapshot.nodes;
      const residue = residueOf(resources, slot);
      const added = this.wasteOf(residueAfter(resources, residue, ask)) - this.wasteOf(residue);
      rate[slot] = this.rateOf(added);
    }
    return rate[slot]!;
  }

  private changed(slot: number): void {
    this.changes++;
    if (slot >= this.versions.length) this.grow();
    this.versions[slot]!++;
  }

  private learn(): void {
    const { resources } = this.snapshot.nodes;
    this.mix = mixOf(resources.knownAsks());
    const isTelling = this.mix.pods >= podsOfMix;
    for (const [column, table] of resources.devices) {
      table.leftovers = isTelling ? this.mix.leftovers.get(column) : undefined;
    }
    this.learnAt = this.changes + Math.min(this.changes, maxChangesBetween);
    this.states.clear();
    for (let slot = 0; slot < this.versions.length; slot++) this.versions[slot]!++;
  }

  private grow(): void {
    const larger = new Int32Array(this.snapshot.nodes.capacity).fill(1);
    larger.set(this.versions);
    this.versions = larger;
    this.answers.clear();
  }

  private begin(ask: Ask): Answers {
    if (this.answers.size >= maxAsksKept) this.answers.clear();
    const { length } = this.versions;
    const made = { version: new Int32Array(length), rate: new Float64Array(length) };
    this.answers.set(ask, made);
    return made;
  }

  private wasteOf(residue: Residue): number {
    const at = this.states.find(residue);
    if (this.states.isKnown(at)) return this.states.waste(at);
    const waste = expectedWaste(this.mix, residue);
    this.states.remember(at, waste);
    return waste;
  }
}
