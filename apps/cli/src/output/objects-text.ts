import type { ApiObject } from '@gantry/api';
import { sortedKeys } from '../sorted-keys.js';
import { UsageError } from '../usage-error.js';

/** Forms of -o that show whole objects. */
export type ObjectFormat = 'json' | 'yaml' | 'name';
export type OutputFormat = ObjectFormat | 'wide' | undefined;

const formats = ['json', 'yaml', 'name', 'wide'];

export function parseOutput(text: string | undefined): OutputFormat {
  if (text === undefined || text === '') return undefined;
  if (!formats.includes(text)) {
    throw new UsageError(`--output: "${text}" is not known; choose ${formats.join(', ')}`);
  }
  return text as OutputFormat;
}

/** The object without what only machines care for. */
function withoutManagedFields<T extends ApiObject>(object: T): T {
  if (!object.metadata?.managedFields) return object;
  const { managedFields: _, ...metadata } = object.metadata;
  return { ...object, metadata };
}

/** One object as it is, several as a List; json with four blanks, as kubectl has it. */
export async function objectsText(
  objects: readonly ApiObject[],
  format: 'json' | 'yaml',
  asList: boolean,
): Promise<string> {
  const shown = objects.map(withoutManagedFields);
  const value = sortedKeys(
    asList
      ? { apiVersion: 'v1', kind: 'List', metadata: { resourceVersion: '' }, items: shown }
      : shown[0],
  );
  if (format === 'json') return `${JSON.stringify(value, null, 4)}\n`;
  const { stringify } = await import('yaml');
  // Version 1.1 quotes what an older reader would take for a date, a number or a truth value.
  return stringify(value, {
    version: '1.1',
    indentSeq: false,
    lineWidth: 0,
    aliasDuplicateObjects: false,
  });
}
