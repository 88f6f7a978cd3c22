import { labelValue } from '../labels.js';
import type { Labels, LabelSelectorInput, PodAffinityTermInput } from '../input.js';
import { compileLabelSelector, type LabelTest } from '../label-selector.js';

/** Labels of a namespace, for terms that choose namespaces by selector. */
export type NamespaceLabels = (namespace: string) => Labels;

/** A set of pods by namespace and labels. Two matchers with the same key select the same pods. */
export interface PodMatcher {
  readonly key: string;
  matches(namespace: string, labels: Labels): boolean;
}

export interface PodIdentity {
  readonly namespace: string;
  readonly labels: Labels;
}

type KeyedTerm = Pick<
  PodAffinityTermInput,
  'labelSelector' | 'matchLabelKeys' | 'mismatchLabelKeys'
>;

/** The selector with the pod's own values of `matchLabelKeys` and `mismatchLabelKeys` folded in. */
export function effectiveSelector(term: KeyedTerm, labels: Labels): LabelSelectorInput | undefined {
  if (!term.labelSelector) return undefined;
  const own = (keys: readonly string[] | undefined, operator: string) =>
    (keys ?? [])
      .map((key) => ({ key, operator, value: labelValue(labels, key) }))
      .flatMap(({ value, ...rest }) => (value === undefined ? [] : [{ ...rest, values: [value] }]));
  const extra = [...own(term.matchLabelKeys, 'In'), ...own(term.mismatchLabelKeys, 'NotIn')];
  if (extra.length === 0) return term.labelSelector;
  const { matchLabels, matchExpressions = [] } = term.labelSelector;
  return { matchLabels, matchExpressions: [...matchExpressions, ...extra] };
}

/** Pods of one namespace by selector: what topology spread counts. */
export function spreadMatcher(term: KeyedTerm, pod: PodIdentity): PodMatcher {
  const selector = effectiveSelector(term, pod.labels);
  const test = compileLabelSelector(selector);
  return {
    key: JSON.stringify([pod.namespace, selector ?? null]),
    matches: (namespace, labels) => namespace === pod.namespace && test(labels),
  };
}

function namespaceTest(
  term: PodAffinityTermInput,
  own: string,
  labelsOf: NamespaceLabels,
): (namespace: string) => boolean {
  const listed = new Set(term.namespaces ?? []);
  if (!term.namespaceSelector) {
    if (listed.size === 0) listed.add(own);
    return (namespace) => listed.has(namespace);
  }
  const selects: LabelTest = compileLabelSelector(term.namespaceSelector);
  return (namespace) => listed.has(namespace) || selects(labelsOf(namespace));
}

/** Pods that one term of pod affinity or anti-affinity is about. */
export function termMatcher(
  term: PodAffinityTermInput,
  pod: PodIdentity,
  labelsOf: NamespaceLabels,
): PodMatcher {
  const selector = effectiveSelector(term, pod.labels);
  const test = compileLabelSelector(selector);
  const inNamespace = namespaceTest(term, pod.namespace, labelsOf);
  const { namespaces = [], namespaceSelector } = term;
  const own = namespaces.length === 0 && !namespaceSelector ? pod.namespace : '';
  return {
    key: JSON.stringify([own, [...namespaces].sort(), namespaceSelector ?? null, selector ?? null]),
    matches: (namespace, labels) => inNamespace(namespace) && test(labels),
  };
}

/** Pods that all of these are about. */
export function conjunction(matchers: readonly PodMatcher[]): PodMatcher {
  return {
    key: JSON.stringify(matchers.map((m) => m.key)),
    matches: (namespace, labels) => matchers.every((m) => m.matches(namespace, labels)),
  };
}
