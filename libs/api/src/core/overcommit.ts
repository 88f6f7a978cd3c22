import { invalidValue, notSupported, type FieldError } from '@gantry/api-machinery';
import type { Pod } from './pod.js';

/** `reclaimable` on a pod: it runs in what others reserved and do not use, and goes first. */
export const overcommitLabel = 'gantry.dev/overcommit';
export const reclaimable = 'reclaimable';
/** On a node: what it offers to reclaimable pods now, as JSON of quantities. Written by the control plane. */
export const reclaimableAnnotation = 'gantry.dev/reclaimable';

export function isReclaimable({ metadata }: Pick<Pod, 'metadata'>): boolean {
  return metadata.labels?.[overcommitLabel] === reclaimable;
}

/** The label has one value, and stands for the pod's life: its place was chosen by it. */
export function validateOvercommit({ metadata }: Pod, old?: Pod): FieldError[] {
  const field = `metadata.labels[${overcommitLabel}]`;
  const value = metadata.labels?.[overcommitLabel];
  if (old && value !== old.metadata.labels?.[overcommitLabel]) {
    return [invalidValue(field, value ?? '', 'field is immutable')];
  }
  if (value === undefined || value === reclaimable) return [];
  return [notSupported(field, value, [reclaimable])];
}
