export type Outcome = 'success' | 'requeue' | 'error';

/** What controllers tell about themselves; the app turns it into its metrics. */
export interface ControllerMetrics {
  /** The queue has this many keys waiting. */
  depth(controller: string, keys: number): void;
  /** A key was reconciled, in seconds. */
  reconciled(controller: string, outcome: Outcome, seconds: number): void;
}

export const noMetrics: ControllerMetrics = { depth() {}, reconciled() {} };
