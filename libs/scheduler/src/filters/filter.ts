import type { PodHandle } from '../pod-class.js';
import type { Snapshot } from '../snapshot.js';

/** Why one filter refuses one node, with what a suggestion needs to know. */
export interface Refusal {
  readonly filter: string;
  /** Nodes refused for the same reason are counted together. */
  readonly reason: string;
  /** For this node alone, e.g. `1.2Gi memory free, 2Gi asked`. */
  readonly message: string;
  /** Set by filters that compare amounts. */
  readonly shortage?: Shortage;
}

export interface Shortage {
  readonly resource: string;
  readonly free: number;
  readonly asked: number;
  readonly allocatable: number;
}

export interface NodeRefusal {
  readonly node: string;
  readonly refusal: Refusal;
}

/** A filter made ready for one pod: `fits` is the hot path, `refusals` tells the whole story of one node. */
export interface NodeCheck {
  fits(slot: number): boolean;
  /** Empty exactly when `fits`. */
  refusals(slot: number): Refusal[];
}

/** Which labels of a node decide, so that an index can ask once for all nodes that have them alike. */
export interface LabelReader {
  /**
   * For `node` and `cluster` rules: the labels besides taints, cordon and resources that the answer depends
   * on; undefined within for the node's name. Absent: none.
   */
  labels?(snapshot: Snapshot, pod: PodHandle): readonly (string | undefined)[];
  /** Of a node nothing decides but `labels`, and pods anywhere: all nodes of a zone get one answer. */
  readonly readsOnlyLabels?: true;
}

/**
 * One rule that keeps pods off nodes. `reads` says what its answer depends on: the node's own traits, the
 * pods on that node, or pods anywhere; an index keeps answers for as long as that stands.
 */
export interface Filter extends LabelReader {
  readonly name: string;
  readonly reads: 'node' | 'usage' | 'cluster';
  /**
   * Undefined when this pod asks nothing of this filter. The check reads the snapshot as it is when asked, so
   * it serves until terms about pods become known that were not known before (`CounterRegistry.version`).
   */
  prepare(snapshot: Snapshot, pod: PodHandle): NodeCheck | undefined;
  /** What a person reads of all nodes refused for one reason, after their number: `2 have too little memory`. */
  phrase(refused: readonly NodeRefusal[]): string;
  /** The change that would make one of these nodes fit, given that nothing else keeps the pod off them. */
  suggest?(refused: readonly NodeRefusal[]): string | undefined;
}

/** `have` or `has`, by number. */
export function plural(count: number, one: string, many: string): string {
  return count === 1 ? one : many;
}

/** Names for a sentence, cut after three: `a, b, c and 4 more`. */
export function nameList(names: readonly string[]): string {
  const shown = 3;
  if (names.length <= shown) return names.join(', ');
  return `${names.slice(0, shown).join(', ')} and ${names.length - shown} more`;
}
