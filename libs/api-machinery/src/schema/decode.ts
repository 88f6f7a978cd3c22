import { badRequest } from '@gantry/base';
import { apiVersionOf, type Kind } from '../kind.js';
import type { ApiObject } from '../meta/object-meta.js';
import { findDuplicateKeys } from './duplicate-keys.js';
import type { FieldType, Struct } from './field.js';
import { childPath, isObject, planOf, type JsonObject } from './plan.js';
import { decodeScalar, jsonTypeName } from './scalars.js';

/** What to do with unknown and duplicate fields; the query parameter of the same name. */
export type FieldValidation = 'Strict' | 'Warn' | 'Ignore';

export interface DecodeOptions {
  /** Default: Warn, as the API has it. */
  readonly fieldValidation?: FieldValidation;
}

export interface Decoded<T> {
  readonly object: T;
  /** Unknown and duplicate fields, for Warning headers; empty with Strict and Ignore. */
  readonly warnings: readonly string[];
}

const maxFaults = 100;

/** Walks JSON along a struct, in place: drops nulls and unknown fields, normalises scalars. */
class Decoder {
  readonly unknown: string[] = [];

  constructor(private readonly subject: string) {}

  private fail(fault: string, path: string): never {
    throw badRequest(`${this.subject}: json: ${fault}: field "${path}"`);
  }

  struct(struct: Struct, value: unknown, path: string): void {
    if (!isObject(value)) {
      return this.fail(`cannot unmarshal ${jsonTypeName(value)} into ${struct.name}`, path);
    }
    const { fields } = planOf(struct);
    for (const name of Object.keys(value)) {
      const field = fields.get(name);
      const at = childPath(path, name);
      if (!field) {
        if (this.unknown.length < maxFaults) this.unknown.push(`unknown field "${at}"`);
        delete value[name];
      } else if (value[name] === null) {
        delete value[name];
      } else {
        value[name] = this.value(field.type, value[name], at);
      }
    }
  }

  private value(type: FieldType, value: unknown, path: string): unknown {
    switch (type.form) {
      case 'struct':
        this.struct(type.struct(), value, path);
        return value;
      case 'list':
        return this.list(type.item, value, path);
      case 'map':
        return this.map(type.item, value, path);
      case 'scalar': {
        const result = decodeScalar(type.scalar, value);
        return 'fault' in result ? this.fail(result.fault, path) : result.value;
      }
    }
  }

  private list(item: FieldType, value: unknown, path: string): unknown[] {
    if (!Array.isArray(value)) {
      return this.fail(`cannot unmarshal ${jsonTypeName(value)} into a list`, path);
    }
    value.forEach((entry, index) => {
      const at = `${path}[${index}]`;
      if (entry === null) this.fail('cannot unmarshal null into an item of a list', at);
      value[index] = this.value(item, entry, at);
    });
    return value;
  }

  private map(item: FieldType, value: unknown, path: string): JsonObject {
    if (!isObject(value)) {
      return this.fail(`cannot unmarshal ${jsonTypeName(value)} into a map`, path);
    }
    for (const key of Object.keys(value)) {
      // An own key of this name would turn into a prototype in the first careless copy.
      if (key === '__proto__') this.fail('refused key "__proto__"', path);
      if (value[key] === null) delete value[key];
      else value[key] = this.value(item, value[key], `${path}.${key}`);
    }
    return value;
  }
}

function parse(json: string | Uint8Array): { value: unknown; text: string } {
  const text = typeof json === 'string' ? json : new TextDecoder().decode(json);
  try {
    return { value: JSON.parse(text), text };
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw badRequest(`the body of the request is not valid JSON: ${why}`, { cause: error });
  }
}

function checkTypeMeta(kind: Kind, value: JsonObject): void {
  const apiVersion = apiVersionOf(kind);
  if (value['kind'] !== undefined && value['kind'] !== kind.kind) {
    throw badRequest(
      `the kind in the data (${JSON.stringify(value['kind'])}) does not match the expected kind (${kind.kind})`,
    );
  }
  if (value['apiVersion'] !== undefined && value['apiVersion'] !== apiVersion) {
    throw badRequest(
      `the API version in the data (${JSON.stringify(value['apiVersion'])}) does not match the expected API version (${apiVersion})`,
    );
  }
  value['kind'] = kind.kind;
  value['apiVersion'] = apiVersion;
  value['metadata'] ??= {};
}

/**
 * Turns JSON (text, bytes, or a parsed value that may be changed) into an object of the kind.
 * Throws BadRequest for bad JSON, another kind, a mistyped field and, with Strict, for unknown or
 * duplicate fields. Duplicates can only be seen in text.
 */
export function decode<T extends ApiObject>(
  kind: Kind<T>,
  json: string | Uint8Array | object,
  options: DecodeOptions = {},
): Decoded<T> {
  const { fieldValidation = 'Warn' } = options;
  const isText = typeof json === 'string' || json instanceof Uint8Array;
  const { value, text } = isText ? parse(json) : { value: json, text: '' };
  if (!isObject(value)) {
    throw badRequest(`the body of the request must be a JSON object, not ${jsonTypeName(value)}`);
  }
  checkTypeMeta(kind, value);
  const subject = `${kind.kind} in version "${kind.version}" cannot be handled as a ${kind.kind}`;
  const decoder = new Decoder(subject);
  decoder.struct(kind.type, value, '');
  const object = value as unknown as T;
  if (fieldValidation === 'Ignore') return { object, warnings: [] };
  const duplicates = findDuplicateKeys(text).map((path) => `duplicate field "${path}"`);
  const faults = [...decoder.unknown, ...duplicates];
  if (fieldValidation === 'Strict' && faults.length > 0) {
    throw badRequest(`${subject}: strict decoding error: ${faults.join(', ')}`);
  }
  return { object, warnings: faults };
}
