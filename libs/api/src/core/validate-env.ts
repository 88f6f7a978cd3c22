import {
  compareQuantities,
  configKeyRule,
  dnsSubdomainRule,
  envVarNameRule,
  invalidValue,
  notSupported,
  required,
  type FieldError,
} from '@gantry/api-machinery';
import type { EnvFromSource, EnvVar, ObjectFieldSelector, ResourceFieldSelector } from './env.js';

const envFieldPaths = [
  'metadata.name',
  'metadata.namespace',
  'metadata.uid',
  'spec.nodeName',
  'spec.serviceAccountName',
  'status.hostIP',
  'status.hostIPs',
  'status.podIP',
  'status.podIPs',
];
const subscript = /^metadata\.(annotations|labels)\['[^']+'\]$/;
const resourceNames = ['cpu', 'ephemeral-storage', 'memory'].flatMap((name) => [
  `limits.${name}`,
  `requests.${name}`,
]);

/** Faults of a reference to a field of the pod; labels and annotations by key are always allowed. */
export function validateFieldRef(
  ref: ObjectFieldSelector,
  paths: readonly string[],
  field: string,
): FieldError[] {
  const errors: FieldError[] = [];
  if (ref.apiVersion !== undefined && ref.apiVersion !== 'v1') {
    errors.push(notSupported(`${field}.apiVersion`, ref.apiVersion, ['v1']));
  }
  if (!ref.fieldPath) errors.push(required(`${field}.fieldPath`));
  else if (!paths.includes(ref.fieldPath) && !subscript.test(ref.fieldPath)) {
    errors.push(notSupported(`${field}.fieldPath`, ref.fieldPath, paths));
  }
  // The declared constraints report what is missing; see checkStruct.
  return errors.filter(({ type }) => type !== 'Required');
}

/** Faults of a reference to a limit or request. */
export function validateResourceFieldRef(ref: ResourceFieldSelector, field: string): FieldError[] {
  const errors: FieldError[] = [];
  if (ref.resource && !resourceNames.includes(ref.resource)) {
    errors.push(notSupported(`${field}.resource`, ref.resource, resourceNames));
  }
  if (ref.divisor !== undefined && compareQuantities(ref.divisor, 0) < 0) {
    const detail = 'must be greater than or equal to 0';
    errors.push(invalidValue(`${field}.divisor`, ref.divisor, detail));
  }
  return errors;
}

function validateValueFrom({ value, valueFrom }: EnvVar, field: string): FieldError[] {
  if (!valueFrom) return [];
  const sources = Object.keys(valueFrom);
  const at = `${field}.valueFrom`;
  if (sources.length === 0) {
    return [
      invalidValue(
        at,
        '',
        'must specify one of: `fieldRef`, `resourceFieldRef`, `configMapKeyRef` or `secretKeyRef`',
      ),
    ];
  }
  const errors: FieldError[] = [];
  if (value) errors.push(invalidValue(at, '', 'may not be specified when `value` is not empty'));
  if (sources.length > 1) {
    errors.push(invalidValue(at, '', 'may not have more than one field specified at a time'));
  }
  const { fieldRef, resourceFieldRef, configMapKeyRef, secretKeyRef } = valueFrom;
  if (fieldRef) errors.push(...validateFieldRef(fieldRef, envFieldPaths, `${at}.fieldRef`));
  if (resourceFieldRef) {
    errors.push(...validateResourceFieldRef(resourceFieldRef, `${at}.resourceFieldRef`));
  }
  for (const [name, ref] of Object.entries({ configMapKeyRef, secretKeyRef })) {
    if (!ref) continue;
    if (!ref.name) errors.push(required(`${at}.${name}.name`));
    const fault = ref.key ? configKeyRule(ref.key) : undefined;
    if (fault) errors.push(invalidValue(`${at}.${name}.key`, ref.key, fault));
  }
  return errors;
}

/** Faults of environment variables. */
export function validateEnv(env: readonly EnvVar[] | undefined, field: string): FieldError[] {
  return (env ?? []).flatMap((variable, index) => {
    const at = `${field}[${index}]`;
    const fault = variable.name ? envVarNameRule(variable.name) : undefined;
    const errors = fault ? [invalidValue(`${at}.name`, variable.name, fault)] : [];
    return [...errors, ...validateValueFrom(variable, at)];
  });
}

/** Faults of the ConfigMaps and Secrets that variables are made from. */
export function validateEnvFrom(
  sources: readonly EnvFromSource[] | undefined,
  field: string,
): FieldError[] {
  return (sources ?? []).flatMap((source, index) => {
    const at = `${field}[${index}]`;
    const errors: FieldError[] = [];
    const fault = source.prefix ? envVarNameRule(source.prefix) : undefined;
    if (fault) errors.push(invalidValue(`${at}.prefix`, source.prefix, fault));
    const { configMapRef, secretRef } = source;
    if (!configMapRef && !secretRef) {
      errors.push(invalidValue(at, '', 'must specify one of: `configMapRef` or `secretRef`'));
    }
    if (configMapRef && secretRef) {
      errors.push(invalidValue(at, '', 'may not have more than one field specified at a time'));
    }
    for (const [name, ref] of Object.entries({ configMapRef, secretRef })) {
      if (!ref) continue;
      const wrong = ref.name ? dnsSubdomainRule(ref.name) : undefined;
      if (!ref.name) errors.push(required(`${at}.${name}.name`));
      if (wrong) errors.push(invalidValue(`${at}.${name}.name`, ref.name, wrong));
    }
    return errors;
  });
}
