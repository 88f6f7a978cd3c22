import type { Labels, PodInput, PodSpecInput } from '../input.js';
import type { CounterRegistry, Counted } from './counter-registry.js';
import {
  conjunction,
  spreadMatcher,
  termMatcher,
  type NamespaceLabels,
  type PodMatcher,
} from './pod-matcher.js';

/** One required or preferred count that a class reads: pods of one sort by domain. */
export interface CountedTerm {
  readonly topologyKey: string;
  readonly counted: Counted;
  readonly weight: number;
}

export interface SpreadTerm {
  readonly topologyKey: string;
  readonly counted: Counted;
  readonly maxSkew: number;
  readonly minDomains: number;
  readonly hard: boolean;
  /** Whether the pod counts itself where it lands. */
  readonly matchesSelf: boolean;
}

/** Compiled pod affinity, anti-affinity and spread of one class; counters are shared between classes. */
export interface TopologyTerms {
  readonly affinity: readonly CountedTerm[];
  /** The first pod of a series that only wants its own kind may start anywhere. */
  readonly affinityMatchesSelf: boolean;
  readonly antiAffinity: readonly CountedTerm[];
  readonly spread: readonly SpreadTerm[];
  /** Preferred terms; anti-affinity has a negative weight. */
  readonly preferred: readonly CountedTerm[];
  /** Counters of pods that carry an anti-affinity term: what this class's pods keep others away from. */
  readonly carried: readonly Counted[];
}

/** Who takes part in the counts of topology spread for one class. */
export interface Inclusion {
  readonly key: string;
  /** Undefined when it selects every node. */
  readonly byAffinity: ((slot: number) => boolean) | undefined;
  readonly byTaints: (slot: number) => boolean;
}

interface Context {
  readonly registry: CounterRegistry;
  readonly namespaceLabels: NamespaceLabels;
  readonly namespace: string;
  readonly labels: Labels;
  readonly inclusion: Inclusion;
}

function affinityTerms(spec: PodSpecInput, context: Context) {
  const required = spec.affinity?.podAffinity?.requiredDuringSchedulingIgnoredDuringExecution ?? [];
  const matchers = required.map((t) => termMatcher(t, context, context.namespaceLabels));
  // As in kube-scheduler, only a pod that meets all terms counts for any of them.
  const all = matchers.length === 1 ? matchers[0]! : conjunction(matchers);
  return {
    affinity: required.map((t) => counted(context, all, t.topologyKey)),
    affinityMatchesSelf: all.matches(context.namespace, context.labels),
  };
}

function counted(
  context: Context,
  matcher: PodMatcher,
  topologyKey: string,
  weight = 0,
): CountedTerm {
  return { topologyKey, weight, counted: context.registry.matching(matcher, topologyKey) };
}

function antiAffinityTerms(spec: PodSpecInput, context: Context) {
  const required =
    spec.affinity?.podAntiAffinity?.requiredDuringSchedulingIgnoredDuringExecution ?? [];
  const pairs = required.map(
    (t) => [termMatcher(t, context, context.namespaceLabels), t.topologyKey] as const,
  );
  return {
    antiAffinity: pairs.map(([matcher, key]) => counted(context, matcher, key)),
    carried: pairs.map(([matcher, key]) => context.registry.carriers(matcher, key)),
  };
}

function preferredTerms(spec: PodSpecInput, context: Context): CountedTerm[] {
  const { podAffinity, podAntiAffinity } = spec.affinity ?? {};
  return (
    [
      [podAffinity, 1],
      [podAntiAffinity, -1],
    ] as const
  ).flatMap(([affinity, sign]) =>
    (affinity?.preferredDuringSchedulingIgnoredDuringExecution ?? []).map((p) => {
      const matcher = termMatcher(p.podAffinityTerm, context, context.namespaceLabels);
      return counted(context, matcher, p.podAffinityTerm.topologyKey, sign * p.weight);
    }),
  );
}

/** Undefined when every node takes part: it is asked at every coming and going of a pod. */
function inclusionTest(inclusion: Inclusion, byAffinity: boolean, byTaints: boolean) {
  const isSelected = byAffinity ? inclusion.byAffinity : undefined;
  if (!byTaints) return isSelected;
  const isTolerated = inclusion.byTaints;
  if (!isSelected) return isTolerated;
  return (slot: number) => isSelected(slot) && isTolerated(slot);
}

function spreadTerms(spec: PodSpecInput, context: Context): SpreadTerm[] {
  return (spec.topologySpreadConstraints ?? []).map((constraint) => {
    const matcher = spreadMatcher(constraint, context);
    const byAffinity = constraint.nodeAffinityPolicy !== 'Ignore';
    const byTaints = constraint.nodeTaintsPolicy === 'Honor';
    const { inclusion } = context;
    const includes = {
      key: `${byAffinity}/${byTaints}/${byAffinity || byTaints ? inclusion.key : ''}`,
      test: inclusionTest(inclusion, byAffinity, byTaints),
    };
    return {
      topologyKey: constraint.topologyKey,
      counted: context.registry.matching(matcher, constraint.topologyKey, includes),
      maxSkew: constraint.maxSkew,
      minDomains: constraint.minDomains ?? 1,
      hard: constraint.whenUnsatisfiable !== 'ScheduleAnyway',
      matchesSelf: matcher.matches(context.namespace, context.labels),
    };
  });
}

/** Compiles a pod's terms about other pods, or undefined when it has none. */
export function compileTopology(
  pod: PodInput,
  registry: CounterRegistry,
  namespaceLabels: NamespaceLabels,
  inclusion: Inclusion,
): TopologyTerms | undefined {
  const { affinity, topologySpreadConstraints } = pod.spec;
  const hasAny = affinity?.podAffinity || affinity?.podAntiAffinity;
  if (!hasAny && !topologySpreadConstraints?.length) return undefined;
  const context = {
    registry,
    namespaceLabels,
    namespace: pod.metadata.namespace ?? '',
    labels: pod.metadata.labels ?? {},
    inclusion,
  };
  return {
    ...affinityTerms(pod.spec, context),
    ...antiAffinityTerms(pod.spec, context),
    spread: spreadTerms(pod.spec, context),
    preferred: preferredTerms(pod.spec, context),
  };
}
