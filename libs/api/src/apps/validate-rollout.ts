import { forbidden, invalidValue, type FieldError } from '@gantry/api-machinery';
import type { DeploymentSpec, RollingUpdateDeployment } from './deployment.js';

const percent = /^(\d+)%$/;

function validateBound(value: number | string | undefined, field: string): FieldError[] {
  if (value === undefined) return [];
  if (typeof value === 'number') {
    return value >= 0 ? [] : [invalidValue(field, value, 'must be greater than or equal to 0')];
  }
  if (percent.test(value)) return [];
  const detail =
    "a valid percent string must be a numeric string followed by an ending '%' (e.g. '1%',  or '93%', regex used for validation is '[0-9]+%')";
  return [invalidValue(field, value, detail)];
}

function isZero(value: number | string | undefined): boolean {
  return value === 0 || (typeof value === 'string' && /^0+%$/.test(value));
}

function validateBounds(bounds: RollingUpdateDeployment, field: string): FieldError[] {
  const { maxUnavailable, maxSurge } = bounds;
  const errors = [
    ...validateBound(maxUnavailable, `${field}.maxUnavailable`),
    ...validateBound(maxSurge, `${field}.maxSurge`),
  ];
  if (isZero(maxUnavailable) && isZero(maxSurge)) {
    const detail = 'may not be 0 when `maxSurge` is 0';
    errors.push(invalidValue(`${field}.maxUnavailable`, maxUnavailable, detail));
  }
  const share = typeof maxUnavailable === 'string' ? percent.exec(maxUnavailable) : null;
  if (share && Number(share[1]) > 100) {
    const detail = 'must not be greater than 100%';
    errors.push(invalidValue(`${field}.maxUnavailable`, maxUnavailable, detail));
  }
  return errors;
}

/** Faults of how a Deployment rolls out. */
export function validateRollout(spec: DeploymentSpec | undefined): FieldError[] {
  if (!spec) return [];
  const { strategy, progressDeadlineSeconds: deadline, minReadySeconds = 0 } = spec;
  const errors: FieldError[] = [];
  const at = 'spec.strategy.rollingUpdate';
  if (strategy?.type === 'Recreate' && strategy.rollingUpdate) {
    const detail = "may not be specified when strategy `type` is 'Recreate'";
    errors.push(forbidden(at, detail));
  } else if (strategy?.rollingUpdate) errors.push(...validateBounds(strategy.rollingUpdate, at));
  if (deadline !== undefined && deadline < 0) {
    const detail = 'must be greater than or equal to 0';
    errors.push(invalidValue('spec.progressDeadlineSeconds', deadline, detail));
  } else if (deadline !== undefined && deadline <= minReadySeconds) {
    const detail = 'must be greater than minReadySeconds';
    errors.push(invalidValue('spec.progressDeadlineSeconds', deadline, detail));
  }
  return errors;
}
