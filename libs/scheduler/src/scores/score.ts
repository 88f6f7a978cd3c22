import type { PodHandle, Snapshot } from '../snapshot.js';

/** How good a node is for one pod, from 0 to 1 unless the score says otherwise; more is better. */
export type NodeScore = (slot: number) => number;

/** One wish about where pods go, among nodes that fit. `reads` is as for filters. */
export interface Score {
  readonly name: string;
  readonly reads: 'node' | 'usage' | 'cluster';
  /** Undefined when it would rate all nodes alike for this pod. */
  prepare(snapshot: Snapshot, pod: PodHandle): NodeScore | undefined;
}

export interface WeightedScore {
  readonly score: Score;
  readonly weight: number;
}
