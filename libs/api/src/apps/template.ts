import {
  formatSelector,
  forbidden,
  invalidValue,
  jsonEqual,
  matches,
  notSupported,
  required,
  validateAnnotations,
  validateLabels,
  type FieldError,
  type LabelSelector,
} from '@gantry/api-machinery';
import { wideColumn } from '../core/columns.js';
import type { PodTemplateSpec } from '../core/pod.js';
import { validatePodSpec } from '../core/validate-pod.js';
import { validateLabelSelector } from '../core/validate-selector.js';

interface Templated {
  readonly selector: LabelSelector;
  readonly template?: PodTemplateSpec;
}

interface Selecting {
  readonly spec: { readonly selector: LabelSelector };
}

/** The selector of pods, for `-o wide`. */
export const selectorColumn = wideColumn<Selecting>('Selector', 'Which pods are its own.', (o) =>
  formatSelector(o.spec.selector),
);

function validateSelector({ selector, template }: Templated, kind: string): FieldError[] {
  if (!selector) return [];
  const errors = validateLabelSelector(selector, 'spec.selector');
  const empty =
    Object.keys(selector.matchLabels ?? {}).length + (selector.matchExpressions ?? []).length === 0;
  if (empty) {
    const detail = `empty selector is invalid for ${kind.toLowerCase()}`;
    errors.push(invalidValue('spec.selector', selector, detail));
  } else if (template && !matches(selector, template.metadata?.labels)) {
    errors.push(
      invalidValue(
        'spec.template.metadata.labels',
        template.metadata?.labels ?? {},
        '`selector` does not match template `labels`',
      ),
    );
  }
  return errors;
}

/** Faults of the selector and the template of a controller whose pods run for ever. */
export function validateTemplate(spec: Templated | undefined, kind: string): FieldError[] {
  if (!spec) return [required('spec')];
  const errors = validateSelector(spec, kind);
  const { template } = spec;
  if (!template) return [...errors, required('spec.template')];
  const { metadata } = template;
  errors.push(
    ...validateLabels(metadata?.labels, 'spec.template.labels'),
    ...validateAnnotations(metadata?.annotations, 'spec.template.annotations'),
    ...validatePodSpec(template.spec, 'spec.template.spec'),
  );
  const { restartPolicy, activeDeadlineSeconds } = template.spec ?? {};
  if (restartPolicy !== undefined && restartPolicy !== 'Always') {
    errors.push(notSupported('spec.template.spec.restartPolicy', restartPolicy, ['Always']));
  }
  if (activeDeadlineSeconds !== undefined) {
    const field = 'spec.template.spec.activeDeadlineSeconds';
    errors.push(forbidden(field, `activeDeadlineSeconds in ${kind} is not Supported`));
  }
  return errors;
}

/** A selector stands for ever: changed, it would orphan the pods it had. */
export function validateSelectorUpdate(object: Selecting, old: Selecting): FieldError[] {
  return jsonEqual(object.spec?.selector, old.spec?.selector)
    ? []
    : [invalidValue('spec.selector', object.spec?.selector, 'field is immutable')];
}
