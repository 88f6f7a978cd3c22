import {
  compareQuantities,
  invalidValue,
  parseQuantity,
  qualifiedNameRule,
  required,
  type FieldError,
} from '@gantry/api-machinery';
import type { ResourceList, ResourceRequirements } from './resources.js';

const standard = new Set(['cpu', 'memory', 'ephemeral-storage']);
const countedInBytes = new Set(['memory', 'ephemeral-storage']);
/** From here on parts of a byte come from amounts such as 1.2Gi, and are rounded up; below from a wrong suffix. */
const leastBytes = 65_536n;
const billion = 1_000_000_000n;

/** A resource outside of Kubernetes' own, such as example.com/gpu; counted in whole units. */
export function isExtendedResource(name: string): boolean {
  return name.includes('/') && !/(^|\.)kubernetes\.io\//.test(name);
}

function validateName(name: string, field: string): FieldError[] {
  const fault = qualifiedNameRule(name);
  if (fault) return [invalidValue(field, name, fault)];
  if (standard.has(name) || name.startsWith('hugepages-') || isExtendedResource(name)) return [];
  return [invalidValue(field, name, 'must be a standard resource for containers')];
}

/** Faults of an amount of a resource: not negative, and whole where parts make no sense. */
export function validateAmount(name: string, amount: string, field: string): FieldError[] {
  const { nanos } = parseQuantity(amount);
  if (nanos < 0n) return [invalidValue(field, amount, 'must be greater than or equal to 0')];
  if (nanos % billion === 0n) return [];
  if (isExtendedResource(name) || name === 'pods') {
    return [invalidValue(field, amount, 'must be an integer')];
  }
  if (!countedInBytes.has(name) || nanos >= leastBytes * billion) return [];
  const detail = `must be whole bytes; the suffix m means thousandths, did you mean ${amount.replace(/[num]$/, '')}Mi?`;
  return [invalidValue(field, amount, detail)];
}

function validateList(list: ResourceList | undefined, field: string): FieldError[] {
  return Object.entries(list ?? {}).flatMap(([name, amount]) => {
    const at = `${field}[${name}]`;
    return [...validateName(name, at), ...validateAmount(name, amount, at)];
  });
}

function validateAgainstLimit(resources: ResourceRequirements, field: string): FieldError[] {
  const { limits = {}, requests = {} } = resources;
  const errors: FieldError[] = [];
  for (const [name, request] of Object.entries(requests)) {
    const limit = limits[name];
    const at = `${field}.requests`;
    if (limit === undefined) {
      if (isExtendedResource(name)) {
        errors.push(
          required(`${field}.limits`, 'limit must be set for non overcommitable resources'),
        );
      }
      continue;
    }
    const order = compareQuantities(request, limit);
    if (isExtendedResource(name) && order !== 0) {
      errors.push(invalidValue(at, request, `must be equal to ${name} limit of ${limit}`));
    } else if (order > 0) {
      const detail = `must be less than or equal to ${name} limit of ${limit}`;
      errors.push(invalidValue(at, request, detail));
    }
  }
  return errors;
}

/** Faults of requests and limits: known names, sane amounts, requests within limits. */
export function validateResources(
  resources: ResourceRequirements | undefined,
  field: string,
): FieldError[] {
  if (!resources) return [];
  return [
    ...validateList(resources.limits, `${field}.limits`),
    ...validateList(resources.requests, `${field}.requests`),
    ...validateAgainstLimit(resources, field),
  ];
}
