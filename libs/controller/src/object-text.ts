import type { ApiObject } from '@gantry/api-machinery';

/**
 * JSON of objects. Two things make it cheap: sets of managed fields, which are most of what JSON.stringify has to walk
 * of a pod, have one text for as long as they are frozen; and what was read from the store is text already.
 */

type Entry = NonNullable<ApiObject['metadata']['managedFields']>[number];

/** By values that are frozen all the way down; empty until somebody needs the text. */
const texts = new WeakMap<object, string>();

/** Freezes what JSON.parse has made, all the way down: it may now be part of many objects, and has one text for good. */
export function freezeShared(value: unknown): void {
  if (typeof value !== 'object' || value === null) return;
  freezeAll(value);
  if (!texts.has(value)) texts.set(value, '');
}

function freezeAll(value: unknown): void {
  if (typeof value !== 'object' || value === null || Object.isFrozen(value)) return;
  Object.freeze(value);
  for (const inner of Object.values(value)) freezeAll(inner);
}

/** What JSON.stringify makes of the object, but for the order of its fields: its identity and metadata come first. */
export function objectText({ apiVersion, kind, metadata, ...rest }: ApiObject): string {
  const head = JSON.stringify({ apiVersion, kind });
  const whole = withField(head, 'metadata', metadataText(metadata));
  const tail = JSON.stringify(rest);
  return tail === '{}' ? whole : `${whole.slice(0, -1)},${tail.slice(1)}`;
}

function metadataText(metadata: ApiObject['metadata']): string {
  const { managedFields } = metadata;
  if (!managedFields?.some(isShared)) return JSON.stringify(metadata);
  const { managedFields: _, ...others } = metadata;
  const entries = managedFields.map(entryText).join(',');
  return withField(JSON.stringify(others), 'managedFields', `[${entries}]`);
}

const isShared = (entry: Entry) => entry.fieldsV1 !== undefined && texts.has(entry.fieldsV1);

function entryText(entry: Entry): string {
  if (!isShared(entry)) return JSON.stringify(entry);
  const { fieldsV1, ...others } = entry;
  return withField(JSON.stringify(others), 'fieldsV1', sharedText(fieldsV1!));
}

function sharedText(value: object): string {
  const known = texts.get(value);
  if (known) return known;
  const text = JSON.stringify(value);
  texts.set(value, text);
  return text;
}

/** The text of an object with one more field. */
function withField(text: string, name: string, value: string): string {
  return `${text === '{}' ? '{' : `${text.slice(0, -1)},`}"${name}":${value}}`;
}

const untilMetadata = /^\{"apiVersion":"[\w./-]+","kind":"\w+","metadata":\{(?=")/;
const versionKey = '"resourceVersion":';

/**
 * The JSON of an object whose text is stored without its version, which is put in. Undefined for a text that is
 * not as `objectText` writes it, or may have a version already. It must be valid JSON, on one line.
 */
export function versionedText(stored: string, resourceVersion: string): string | undefined {
  if (stored.includes(versionKey)) return undefined;
  const [head] = untilMetadata.exec(stored) ?? [];
  if (head === undefined) return undefined;
  return `${head}${versionKey}${JSON.stringify(resourceVersion)},${stored.slice(head.length)}`;
}
