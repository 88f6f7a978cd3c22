import {
  isScalar,
  LineCounter,
  parseAllDocuments,
  visit,
  type Document,
  type DocumentOptions,
  type ParseOptions,
  type SchemaOptions,
} from 'yaml';
import { CommandError } from '../usage-error.js';
import type { Manifest } from './manifest.js';

// YAML 1.1 as people of Kubernetes write it: 0644 is octal and yes is true, but dates and 12:30 stay text.
const textual = new Set(['timestamp', 'binary', 'omap', 'pairs', 'set']);
const options: DocumentOptions & ParseOptions & SchemaOptions = {
  version: '1.1',
  merge: true,
  uniqueKeys: true,
  customTags: (tags) =>
    tags.filter((tag) => {
      if (typeof tag === 'string') return !textual.has(tag);
      const format = (tag as { format?: string }).format;
      return format !== 'TIME' && !textual.has(tag.tag.replace('tag:yaml.org,2002:', ''));
    }),
};

const maxAliases = 100;

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function toManifests(value: unknown, source: string): Manifest[] {
  if (!isRecord(value)) throw new CommandError(`${source}: a manifest must be an object`);
  for (const field of ['apiVersion', 'kind']) {
    if (typeof value[field] === 'string' && value[field] !== '') continue;
    throw new CommandError(`${source}: ${field} is missing`);
  }
  if (String(value['kind']).endsWith('List') && Array.isArray(value['items'])) {
    return value['items'].flatMap((item, index) => toManifests(item, `${source} items[${index}]`));
  }
  if (!isRecord(value['metadata'])) {
    throw new CommandError(`${source}: metadata is missing; at least metadata.name is needed`);
  }
  return [{ object: value as unknown as Manifest['object'], source }];
}

/** Keys are text as they stand: `on: x` is no key called true, nor is `08:` a number. */
function keepKeysTextual(document: Document): void {
  visit(document, {
    Pair(_, { key }) {
      if (isScalar(key) && typeof key.value !== 'symbol' && key.source) key.value = key.source;
    },
  });
}

/** All manifests of one text; empty documents are skipped. Faults name the source and the line. */
export function parseManifests(text: string, source: string): Manifest[] {
  const lineCounter = new LineCounter();
  const documents = parseAllDocuments(text, { ...options, lineCounter });
  if (!Array.isArray(documents)) return [];
  return documents.flatMap((document, index) => {
    const [fault] = document.errors;
    if (fault) {
      const [what] = fault.message.split(/ at line \d+/);
      throw new CommandError(`${source}: line ${fault.linePos?.[0].line ?? '?'}: ${what}`);
    }
    keepKeysTextual(document);
    let value: unknown;
    try {
      value = document.toJS({ maxAliasCount: maxAliases });
    } catch (error) {
      throw new CommandError(`${source}: ${(error as Error).message}`);
    }
    if (value === null || value === undefined) return [];
    const name = documents.length > 1 ? `${source} (document ${index + 1})` : source;
    return toManifests(value, name);
  });
}
