import {
  forbidden,
  invalidValue,
  labelValueRule,
  qualifiedNameRule,
  required,
  validateLabels,
  type FieldError,
  type LabelSelector,
} from '@gantry/api-machinery';

/** Faults of a label selector within an object. */
export function validateLabelSelector(
  selector: LabelSelector | undefined,
  field: string,
): FieldError[] {
  if (!selector) return [];
  const errors = validateLabels(selector.matchLabels, `${field}.matchLabels`);
  for (const [index, expression] of (selector.matchExpressions ?? []).entries()) {
    const { key, operator, values = [] } = expression;
    const at = `${field}.matchExpressions[${index}]`;
    const fault = key ? qualifiedNameRule(key) : undefined;
    if (fault) errors.push(invalidValue(`${at}.key`, key, fault));
    const takesValues = operator === 'In' || operator === 'NotIn';
    if (takesValues && values.length === 0) {
      errors.push(required(`${at}.values`, "must be specified when `operator` is 'In' or 'NotIn'"));
    }
    if (!takesValues && values.length > 0) {
      const detail = "may not be specified when `operator` is 'Exists' or 'DoesNotExist'";
      errors.push(forbidden(`${at}.values`, detail));
    }
    for (const [position, value] of values.entries()) {
      const wrong = labelValueRule(value);
      if (wrong) errors.push(invalidValue(`${at}.values[${position}]`, value, wrong));
    }
  }
  return errors;
}
