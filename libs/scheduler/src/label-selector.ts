import { labelValue } from './labels.js';
import type { LabelSelectorInput, Labels, SelectorRequirement } from './input.js';
import { compileTerm, requirementTest, termText } from './node-selector.js';

/** A metav1.LabelSelector as a test; nil selects nothing and an empty one selects everything. */
export type LabelTest = (labels: Labels) => boolean;

export function requirementsOf(selector: LabelSelectorInput): SelectorRequirement[] {
  const equalities = Object.entries(selector.matchLabels ?? {}).map(([key, value]) => ({
    key,
    operator: 'In',
    values: [value],
  }));
  return [...equalities, ...(selector.matchExpressions ?? [])];
}

export function compileLabelSelector(selector: LabelSelectorInput | undefined): LabelTest {
  if (!selector) return () => false;
  const tests = requirementsOf(selector).map(
    (requirement) => [requirement.key, requirementTest(requirement)] as const,
  );
  return (labels) => tests.every(([key, test]) => test(labelValue(labels, key)));
}

/** As `kubectl` writes it: `app=web,tier in (a,b)`. */
export function labelSelectorText(selector: LabelSelectorInput | undefined): string {
  if (!selector) return 'no pods';
  const matchExpressions = requirementsOf(selector);
  return matchExpressions.length > 0 ? termText(compileTerm({ matchExpressions })) : 'all pods';
}
