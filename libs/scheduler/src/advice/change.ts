import type { ResourceList, TolerationInput } from '../input.js';

interface Told {
  /** One imperative phrase for a person. */
  readonly text: string;
  /** Where the pod would fit then. */
  readonly node: string;
}

/**
 * One change after which the pod fits, each the smallest of its kind: lowering by less, or leaving out a part
 * of it, would not do. Amounts are exact quantities, the text may cut them.
 */
export type Change =
  /** The pod's requests in total become these. */
  | (Told & {
      readonly type: 'lower-requests';
      readonly requests: Readonly<Record<string, string>>;
    })
  | (Told & { readonly type: 'uncordon' })
  /** The node has to become ready again. */
  | (Told & { readonly type: 'restore-node' })
  /** Labels for the node; null takes a label away. */
  | (Told & {
      readonly type: 'label-node';
      readonly labels: Readonly<Record<string, string | null>>;
    })
  | (Told & { readonly type: 'tolerate'; readonly tolerations: readonly TolerationInput[] })
  /** Terms of the pod's spec, by path, that go (or of spread constraints: become soft). */
  | (Told & { readonly type: 'relax'; readonly terms: readonly string[] })
  /** Pods, by uid, that leave the node. */
  | (Told & { readonly type: 'drain'; readonly pods: readonly string[] })
  /** A node with at least this free and these labels. */
  | (Told & {
      readonly type: 'add-node';
      readonly allocatable: ResourceList;
      readonly labels: Readonly<Record<string, string>>;
    });

export type ChangeType = Change['type'];
