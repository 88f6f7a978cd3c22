import type { DeviceHoldings } from '../devices/holdings.js';
import type { Labels, NodeInput, PodInput } from '../input.js';

/** A pod as decisions see it, without what they never read. */
export type RecordedPod = Pick<PodInput, 'metadata' | 'spec'>;

/** One line of a decision log: what the snapshot was told, in order, and what was decided on it. */
export type Operation =
  /** Begins a log that says everything about the state it starts from. */
  | { readonly op: 'start'; readonly version: 1; readonly profile: string; readonly at: string }
  | { readonly op: 'node'; readonly node: NodeInput }
  | { readonly op: 'node-gone'; readonly name: string }
  | { readonly op: 'namespace'; readonly name: string; readonly labels: Labels | null }
  /** Pods that every decision treats alike, by number. */
  | { readonly op: 'class'; readonly id: number; readonly pod: RecordedPod }
  | {
      readonly op: 'pod';
      readonly uid: string;
      readonly class: number;
      readonly node: string;
      /** Decided here, and not yet seen in the store. */
      readonly assumed?: true;
      readonly devices?: DeviceHoldings;
    }
  | { readonly op: 'forget' | 'remove'; readonly uid: string }
  /** Something happened that could not be written down: from here on the log says nothing. */
  | { readonly op: 'gap'; readonly why: string }
  | { readonly op: 'decide'; readonly class: number; readonly node: string | null };

/** Takes operations as they happen. Must not throw and not wait. */
export type Recorder = (operation: Operation) => void;
