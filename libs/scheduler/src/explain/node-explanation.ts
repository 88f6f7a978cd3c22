/** One node's answer to one pod. */
export interface NodeExplanation {
  readonly name: string;
  readonly fits: boolean;
  /** Everything that keeps the pod off this node, not only the first. */
  readonly reasons: readonly string[];
  /** Only where it fits; comparable within one explanation. */
  readonly score?: number;
}
