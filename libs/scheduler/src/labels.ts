import type { Labels } from './input.js';

/** The label's value; a label named as a property that every object has is absent like any other. */
export function labelValue(labels: Labels, key: string): string | undefined {
  return Object.hasOwn(labels, key) ? labels[key] : undefined;
}
