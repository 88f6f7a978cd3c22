import { duplicate, forbidden, invalidValue, required, type FieldError } from '../field-error.js';
import { dnsLabelRule, labelValueRule, qualifiedNameRule } from '../names.js';
import type { Rule } from '../schema/constraints.js';
import type { ObjectMeta } from './object-meta.js';
import type { OwnerReference } from './owner-reference.js';

const maxAnnotationBytes = 256 * 1024;

/** Faults of a map of labels. */
export function validateLabels(labels: ObjectMeta['labels'], field: string): FieldError[] {
  const errors: FieldError[] = [];
  for (const [key, value] of Object.entries(labels ?? {})) {
    const badKey = qualifiedNameRule(key);
    if (badKey) errors.push(invalidValue(field, key, badKey));
    const badValue = labelValueRule(value);
    if (badValue) errors.push(invalidValue(field, value, badValue));
  }
  return errors;
}

/** Faults of a map of annotations: keys like labels, 256 KiB in all. */
export function validateAnnotations(
  annotations: ObjectMeta['annotations'],
  field: string,
): FieldError[] {
  const errors: FieldError[] = [];
  let size = 0;
  for (const [key, value] of Object.entries(annotations ?? {})) {
    const badKey = qualifiedNameRule(key.toLowerCase());
    if (badKey) errors.push(invalidValue(field, key, badKey));
    size += key.length + value.length;
  }
  if (size > maxAnnotationBytes) {
    errors.push({
      type: 'TooLong',
      field,
      detail: `may not be more than ${maxAnnotationBytes} bytes`,
    });
  }
  return errors;
}

function validateOwners(owners: readonly OwnerReference[], field: string): FieldError[] {
  const errors: FieldError[] = [];
  owners.forEach((owner, index) => {
    for (const part of ['apiVersion', 'kind', 'name', 'uid'] as const) {
      if (!owner[part]) errors.push(required(`${field}[${index}].${part}`));
    }
  });
  if (owners.filter((owner) => owner.controller).length > 1) {
    errors.push(invalidValue(field, owners, 'only one reference can have controller set to true'));
  }
  return errors;
}

function validateName(meta: ObjectMeta, nameRule: Rule): FieldError[] {
  const errors: FieldError[] = [];
  if (meta.generateName) {
    // The suffix that the server adds starts with a letter or digit, so a final hyphen is fine.
    const fault = nameRule(meta.generateName.replace(/-$/, 'a'));
    if (fault) errors.push(invalidValue('metadata.generateName', meta.generateName, fault));
  }
  if (!meta.name) errors.push(required('metadata.name', 'name or generateName is required'));
  else {
    const fault = nameRule(meta.name);
    if (fault) errors.push(invalidValue('metadata.name', meta.name, fault));
  }
  return errors;
}

function validateNamespace(meta: ObjectMeta, namespaced: boolean): FieldError[] {
  const field = 'metadata.namespace';
  if (!namespaced) return meta.namespace ? [forbidden(field, 'not allowed on this type')] : [];
  if (!meta.namespace) return [required(field)];
  const fault = dnsLabelRule(meta.namespace);
  return fault ? [invalidValue(field, meta.namespace, fault)] : [];
}

/** Faults of the metadata of an object whose names follow `nameRule`. */
export function validateObjectMeta(
  meta: ObjectMeta,
  namespaced: boolean,
  nameRule: Rule,
): FieldError[] {
  const errors = [...validateName(meta, nameRule), ...validateNamespace(meta, namespaced)];
  errors.push(...validateLabels(meta.labels, 'metadata.labels'));
  errors.push(...validateAnnotations(meta.annotations, 'metadata.annotations'));
  errors.push(...validateOwners(meta.ownerReferences ?? [], 'metadata.ownerReferences'));
  const finalizers = meta.finalizers ?? [];
  finalizers.forEach((finalizer, index) => {
    const field = `metadata.finalizers[${index}]`;
    const fault = qualifiedNameRule(finalizer);
    if (fault) errors.push(invalidValue(field, finalizer, fault));
    if (finalizers.indexOf(finalizer) < index) errors.push(duplicate(field, finalizer));
  });
  return errors;
}

/** Faults of a change of metadata: what the server owns stays; a dying object gets no finalizer. */
export function validateObjectMetaUpdate(meta: ObjectMeta, old: ObjectMeta): FieldError[] {
  const errors: FieldError[] = [];
  for (const name of ['name', 'namespace', 'uid', 'creationTimestamp'] as const) {
    if (meta[name] !== old[name]) {
      errors.push(invalidValue(`metadata.${name}`, meta[name], 'field is immutable'));
    }
  }
  if (old.deletionTimestamp) {
    const added = (meta.finalizers ?? []).filter((name) => !old.finalizers?.includes(name));
    if (added.length > 0) {
      const detail = `no new finalizers can be added if the object is being deleted, found new finalizers ${JSON.stringify(added)}`;
      errors.push(forbidden('metadata.finalizers', detail));
    }
  }
  return errors;
}
