import { labelValue } from './labels.js';
import type { Labels, NodeSelectorTermInput, SelectorRequirement } from './input.js';

/** What selectors see of a node. */
export interface LabelledNode {
  readonly name: string;
  readonly labels: Labels;
}

/** One requirement in readable form with its test. */
export interface Requirement {
  /** As `kubectl` writes it: `disk in (ssd,nvme)`, `!gpu`, `cores>8`. */
  readonly text: string;
  /** The label it reads, or undefined when it reads the node's name. */
  readonly label: string | undefined;
  matches(node: LabelledNode): boolean;
}

/** All requirements must hold; a term without any matches no node. */
export type NodeTerm = readonly Requirement[];

type Test = (value: string | undefined) => boolean;

function numeric(values: readonly string[], holds: (have: bigint, bound: bigint) => boolean): Test {
  const bound = integer(values[0]);
  return (value) => {
    const have = integer(value);
    return have !== undefined && bound !== undefined && holds(have, bound);
  };
}

function integer(text: string | undefined): bigint | undefined {
  return text !== undefined && /^[+-]?\d{1,19}$/.test(text) ? BigInt(text) : undefined;
}

const operators: Record<string, (values: readonly string[]) => Test> = {
  In: (values) => {
    const set = new Set(values);
    return (value) => value !== undefined && set.has(value);
  },
  NotIn: (values) => {
    const set = new Set(values);
    return (value) => value === undefined || !set.has(value);
  },
  Exists: () => (value) => value !== undefined,
  DoesNotExist: () => (value) => value === undefined,
  Gt: (values) => numeric(values, (have, bound) => have > bound),
  Lt: (values) => numeric(values, (have, bound) => have < bound),
};

function textOf({ key, operator, values = [] }: SelectorRequirement): string {
  switch (operator) {
    case 'In':
      return values.length === 1 ? `${key}=${values[0]}` : `${key} in (${values.join(',')})`;
    case 'NotIn':
      return `${key} notin (${values.join(',')})`;
    case 'Exists':
      return key;
    case 'DoesNotExist':
      return `!${key}`;
    default:
      return `${key}${operator === 'Gt' ? '>' : '<'}${values[0]}`;
  }
}

/** The test of one operator on a label's value; an operator that nobody defined matches nothing. */
export function requirementTest(requirement: SelectorRequirement): Test {
  return operators[requirement.operator]?.(requirement.values ?? []) ?? (() => false);
}

function labelRequirement(requirement: SelectorRequirement): Requirement {
  const test = requirementTest(requirement);
  const { key } = requirement;
  return {
    text: textOf(requirement),
    label: key,
    matches: (node) => test(labelValue(node.labels, key)),
  };
}

function fieldRequirement(requirement: SelectorRequirement): Requirement {
  const known = requirement.key === 'metadata.name';
  const test = known ? requirementTest(requirement) : () => false;
  return { text: textOf(requirement), label: undefined, matches: (node) => test(node.name) };
}

export function compileTerm(term: NodeSelectorTermInput): NodeTerm {
  return [
    ...(term.matchExpressions ?? []).map(labelRequirement),
    ...(term.matchFields ?? []).map(fieldRequirement),
  ];
}

/** `nodeSelector` as requirements: each label must have exactly this value. */
export function compileLabels(labels: Labels): NodeTerm {
  return Object.entries(labels).map(([key, value]) =>
    labelRequirement({ key, operator: 'In', values: [value] }),
  );
}

export function termMatches(term: NodeTerm, node: LabelledNode): boolean {
  return term.length > 0 && term.every((requirement) => requirement.matches(node));
}

export function termText(term: NodeTerm): string {
  return term.map((requirement) => requirement.text).join(',');
}

/** Whether one of the terms selects the node; without a list every node is selected. */
export function matchesTerms(
  terms: readonly NodeSelectorTermInput[] | undefined,
  node: LabelledNode,
): boolean {
  return terms === undefined || terms.some((term) => termMatches(compileTerm(term), node));
}
