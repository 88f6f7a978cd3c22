import type { LabelReader } from '../filters/filter.js';
import type { PodHandle } from '../pod-class.js';
import type { Snapshot } from '../snapshot.js';

/** How good a node is for one pod, from 0 to 1 unless the score says otherwise; more is better. */
export type NodeScore = (slot: number) => number;

/** One wish about where pods go, among nodes that fit. `reads` is as for filters. */
export interface Score extends LabelReader {
  readonly name: string;
  readonly reads: 'node' | 'usage' | 'cluster';
  /** Set when, among nodes alike but for their pods, the rate is a constant plus this times the fullness. */
  readonly order?: 1 | -1;
  /** No rate is above this (default 1). */
  readonly bound?: number;
  /** Undefined when it would rate all nodes alike for this pod; serves as long as a filter's check. */
  prepare(snapshot: Snapshot, pod: PodHandle): NodeScore | undefined;
}

export interface WeightedScore {
  readonly score: Score;
  readonly weight: number;
}
