import { compileFunction } from 'node:vm';

/** A part of a model that each object has for itself, since something below it differs. */
export interface OwnPart {
  readonly source: object;
  /** Which of the given strings stands under a key. */
  readonly strings: ReadonlyMap<string, number>;
  readonly parts: ReadonlyMap<string, OwnPart>;
}

/** Makes an object of what all have in common and of its own strings. */
export type ObjectMaker = (common: readonly unknown[], strings: readonly string[]) => unknown;

/** Structures whose makers are kept; objects of most kinds have a few. */
const maxMakers = 256;
const maxCodeLength = 64 * 1024;
const makers = new Map<string, ObjectMaker>();

/**
 * The maker of objects of this structure, with what it is to be given as `common`. It is compiled: an object literal
 * costs a tenth of copying the model by its keys. Of a text only the keys get into the code, with all that is not plain
 * escaped; none may be `__proto__`. Undefined where the structure is too large.
 */
export function makerOf(root: OwnPart): { make: ObjectMaker; common: unknown[] } | undefined {
  const common: unknown[] = [];
  const code = `return ${literal(root, common)};`;
  if (code.length > maxCodeLength) return undefined;
  let make = makers.get(code);
  if (!make) {
    if (makers.size >= maxMakers) makers.delete(makers.keys().next().value!);
    make = compileFunction(code, ['common', 'strings']) as ObjectMaker;
    makers.set(code, make);
  }
  return { make, common };
}

function literal({ source, strings, parts }: OwnPart, common: unknown[]): string {
  const value = ([key, shared]: [string, unknown]) => {
    const string = strings.get(key);
    if (string !== undefined) return `strings[${string}]`;
    const part = parts.get(key);
    return part ? literal(part, common) : `common[${common.push(shared) - 1}]`;
  };
  const entries = Object.entries(source);
  if (Array.isArray(source)) return `[${entries.map(value).join(',')}]`;
  return `{${entries.map((entry) => `${quoted(entry[0])}:${value(entry)}`).join(',')}}`;
}

function quoted(key: string): string {
  if (key === '__proto__') throw new Error('the key __proto__ would set a prototype');
  const escaped = key.replace(/[^ !#-[\]-~]/g, (unit) => {
    return `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`;
  });
  return `"${escaped}"`;
}
