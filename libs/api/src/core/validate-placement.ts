import {
  duplicate,
  forbidden,
  invalidValue,
  labelValueRule,
  qualifiedNameRule,
  required,
  type FieldError,
} from '@gantry/api-machinery';
import type {
  Affinity,
  NodeSelectorRequirement,
  NodeSelectorTerm,
  PodAffinityTerm,
  Toleration,
  TopologySpreadConstraint,
} from './affinity.js';
import type { PodSpec } from './pod-spec.js';
import { validateLabelSelector } from './validate-selector.js';

function validateKey(key: string | undefined, field: string): FieldError[] {
  const fault = key ? qualifiedNameRule(key) : undefined;
  return fault ? [invalidValue(field, key, fault)] : [];
}

function validateRequirement(requirement: NodeSelectorRequirement, field: string): FieldError[] {
  const { key, operator, values = [] } = requirement;
  const errors = validateKey(key, `${field}.key`);
  const at = `${field}.values`;
  if (operator === 'In' || operator === 'NotIn') {
    if (values.length === 0) {
      errors.push(required(at, "must be specified when `operator` is 'In' or 'NotIn'"));
    }
  } else if (operator === 'Exists' || operator === 'DoesNotExist') {
    if (values.length > 0) {
      errors.push(
        forbidden(at, "may not be specified when `operator` is 'Exists' or 'DoesNotExist'"),
      );
    }
  } else if (values.length !== 1 || !/^-?\d+$/.test(values[0] ?? '')) {
    errors.push(
      required(at, "must be specified as a single integer when `operator` is 'Lt' or 'Gt'"),
    );
  }
  return errors;
}

function validateTerm(term: NodeSelectorTerm, field: string): FieldError[] {
  const errors = (term.matchExpressions ?? []).flatMap((requirement, index) =>
    validateRequirement(requirement, `${field}.matchExpressions[${index}]`),
  );
  for (const [index, requirement] of (term.matchFields ?? []).entries()) {
    const at = `${field}.matchFields[${index}]`;
    if (requirement.key !== 'metadata.name') {
      errors.push(invalidValue(`${at}.key`, requirement.key, 'not a valid field selector key'));
    }
    if (requirement.values?.length !== 1) {
      errors.push(
        required(
          `${at}.values`,
          'must be only one value when `operator` is In or NotIn for node field selector',
        ),
      );
    }
  }
  return errors;
}

function validatePodTerm(term: PodAffinityTerm, field: string): FieldError[] {
  return [
    ...validateLabelSelector(term.labelSelector, `${field}.labelSelector`),
    ...validateLabelSelector(term.namespaceSelector, `${field}.namespaceSelector`),
    ...validateKey(term.topologyKey, `${field}.topologyKey`),
  ];
}

const requiredTerms = 'requiredDuringSchedulingIgnoredDuringExecution';
const preferredTerms = 'preferredDuringSchedulingIgnoredDuringExecution';

function validateAffinity(affinity: Affinity | undefined, field: string): FieldError[] {
  const errors: FieldError[] = [];
  const node = affinity?.nodeAffinity;
  const at = `${field}.nodeAffinity`;
  for (const [index, term] of (node?.[requiredTerms]?.nodeSelectorTerms ?? []).entries()) {
    errors.push(...validateTerm(term, `${at}.${requiredTerms}.nodeSelectorTerms[${index}]`));
  }
  for (const [index, term] of (node?.[preferredTerms] ?? []).entries()) {
    const path = `${at}.${preferredTerms}[${index}].preference`;
    errors.push(...validateTerm(term.preference ?? {}, path));
  }
  for (const name of ['podAffinity', 'podAntiAffinity'] as const) {
    const rules = affinity?.[name];
    for (const [index, term] of (rules?.[requiredTerms] ?? []).entries()) {
      errors.push(...validatePodTerm(term, `${field}.${name}.${requiredTerms}[${index}]`));
    }
    for (const [index, term] of (rules?.[preferredTerms] ?? []).entries()) {
      const path = `${field}.${name}.${preferredTerms}[${index}].podAffinityTerm`;
      if (term.podAffinityTerm) errors.push(...validatePodTerm(term.podAffinityTerm, path));
    }
  }
  return errors;
}

/** Faults of one toleration, also of a runtime class. */
export function validateToleration(toleration: Toleration, field: string): FieldError[] {
  const { key = '', operator = 'Equal', value = '', effect, tolerationSeconds } = toleration;
  const errors = validateKey(key, `${field}.key`);
  if (key === '' && operator !== 'Exists') {
    const detail =
      'operator must be Exists when `key` is empty, which means "match all values and all keys"';
    errors.push(invalidValue(`${field}.operator`, operator, detail));
  }
  if (operator === 'Exists' && value !== '') {
    const detail = "value must be empty when `operator` is 'Exists'";
    errors.push(invalidValue(`${field}.operator`, toleration, detail));
  }
  const fault = labelValueRule(value);
  if (fault) errors.push(invalidValue(`${field}.value`, value, fault));
  if (tolerationSeconds !== undefined && effect !== 'NoExecute') {
    const detail = "effect must be 'NoExecute' when `tolerationSeconds` is set";
    errors.push(invalidValue(`${field}.effect`, effect ?? '', detail));
  }
  return errors;
}

function validateSpread(
  constraints: readonly TopologySpreadConstraint[],
  field: string,
): FieldError[] {
  const seen = new Set<string>();
  return constraints.flatMap((constraint, index) => {
    const at = `${field}[${index}]`;
    const key = `{${constraint.topologyKey}, ${constraint.whenUnsatisfiable}}`;
    const errors = validateKey(constraint.topologyKey, `${at}.topologyKey`);
    if (seen.has(key)) errors.push(duplicate(`${at}.{topologyKey, whenUnsatisfiable}`, key));
    seen.add(key);
    if (constraint.minDomains && constraint.whenUnsatisfiable !== 'DoNotSchedule') {
      const detail = 'can only use minDomains if whenUnsatisfiable=DoNotSchedule';
      errors.push(invalidValue(`${at}.minDomains`, constraint.minDomains, detail));
    }
    errors.push(...validateLabelSelector(constraint.labelSelector, `${at}.labelSelector`));
    return errors;
  });
}

/** Faults of what says where a pod may be placed. */
export function validatePlacement(spec: PodSpec, field: string): FieldError[] {
  const errors: FieldError[] = [];
  for (const [key, value] of Object.entries(spec.nodeSelector ?? {})) {
    const at = `${field}.nodeSelector`;
    errors.push(...validateKey(key, at));
    const fault = labelValueRule(value);
    if (fault) errors.push(invalidValue(at, value, fault));
  }
  errors.push(...validateAffinity(spec.affinity, `${field}.affinity`));
  for (const [index, toleration] of (spec.tolerations ?? []).entries()) {
    errors.push(...validateToleration(toleration, `${field}.tolerations[${index}]`));
  }
  const at = `${field}.topologySpreadConstraints`;
  errors.push(...validateSpread(spec.topologySpreadConstraints ?? [], at));
  return errors;
}
