import type { NodeOrder } from './node-order.js';
import type { GroupList } from './prospects.js';

/**
 * The groups among which a search chooses, section by section. Most classes of pods differ only in what they ask of
 * other pods, and share one layout: what many decisions read is then in few places.
 */
export interface Layout extends GroupList {
  readonly orders: readonly NodeOrder[];
  /** Where each section begins, and where the last one ends. */
  readonly sections: Int32Array;
  /** One node of each section. */
  readonly samples: Int32Array;
  /** Scratch space of the search: what rules about groups gave to each section; -Infinity where a check failed. */
  readonly ratings: Float64Array;
  /** The same for searches without such rules. */
  readonly unrated: Float64Array;
}

/** A group that passes everything that is decided for all its nodes alike, for as long as no node changes. */
export interface Candidate {
  readonly order: NodeOrder;
  /** One of the nodes. */
  readonly sample: number;
  /** What rules about nodes alone give to each node, and the ordered score beside the weight times the key. */
  readonly base: number;
}

/** Layouts that are looked through for an equal one; all are forgotten when there are more. */
const maxLayouts = 64;

/** The layouts of one division of the nodes into groups. */
export class Layouts {
  private known: Layout[] = [];
  private groupsVersion = -1;

  /** The layout with these sections, as they are numbered in this version of the groups. */
  of(sections: readonly (readonly Candidate[])[], groupsVersion: number): Layout {
    if (groupsVersion !== this.groupsVersion || this.known.length >= maxLayouts) this.known = [];
    this.groupsVersion = groupsVersion;
    const made = layoutOf(sections);
    const equal = this.known.find((layout) => isEqual(layout, made));
    if (equal) return equal;
    this.known.push(made);
    return made;
  }
}

function layoutOf(sections: readonly (readonly Candidate[])[]): Layout {
  const sorted = sections.flat();
  const starts = new Int32Array(sections.length + 1);
  sections.forEach((section, i) => (starts[i + 1] = starts[i]! + section.length));
  return {
    orders: sorted.map(({ order }) => order),
    numbers: Int32Array.from(sorted, ({ order }) => order.number),
    bases: Float64Array.from(sorted, ({ base }) => base),
    promises: new Float64Array(sorted.length),
    sections: starts,
    samples: Int32Array.from(sections, ([first]) => first!.sample),
    ratings: new Float64Array(sections.length),
    unrated: new Float64Array(sections.length),
  };
}

function isEqual(a: Layout, b: Layout): boolean {
  return isSame(a.bases, b.bases) && isSame(a.numbers, b.numbers) && isSame(a.sections, b.sections);
}

function isSame(a: Int32Array | Float64Array, b: Int32Array | Float64Array): boolean {
  return a.length === b.length && a.every((value, i) => value === b[i]);
}
