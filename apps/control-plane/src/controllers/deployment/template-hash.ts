import { createHash } from 'node:crypto';
import type { PodTemplateSpec } from '@gantry/api';

/** Marks which template a ReplicaSet and its pods were made from. */
export const templateHashLabel = 'pod-template-hash';

/** Without vowels and look-alikes, so that no hash spells a word. */
const alphabet = 'bcdfghjklmnpqrstvwxz2456789';
const hashLength = 10;

/** JSON with sorted keys and without absent fields: equal for equal templates however they were written. */
export function canonicalJson(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map((item) => canonicalJson(item ?? null)).join()}]`;
  if (value === null || typeof value !== 'object') return JSON.stringify(value);
  const entries = Object.entries(value).filter(([, item]) => item !== undefined);
  entries.sort(([a], [b]) => (a < b ? -1 : 1));
  return `{${entries.map(([k, v]) => `${JSON.stringify(k)}:${canonicalJson(v)}`).join()}}`;
}

function withoutHash(template: PodTemplateSpec): PodTemplateSpec {
  const labels = { ...template.metadata?.labels };
  delete labels[templateHashLabel];
  return { ...template, metadata: { ...template.metadata, labels } };
}

/** Whether pods of the two templates would be alike. */
export function sameTemplate(a: PodTemplateSpec, b: PodTemplateSpec): boolean {
  return canonicalJson(withoutHash(a)) === canonicalJson(withoutHash(b));
}

/** A short name for the template; `collisions` gives another one when the first is taken by a stranger. */
export function templateHash(template: PodTemplateSpec, collisions = 0): string {
  const text = canonicalJson(withoutHash(template)) + (collisions > 0 ? `#${collisions}` : '');
  const digest = createHash('sha256').update(text).digest();
  return Array.from(digest.subarray(0, hashLength), (b) => alphabet[b % alphabet.length]).join('');
}
