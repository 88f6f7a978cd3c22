import { decode, type ApiObject, type Decoded, type Kind } from '@gantry/api-machinery';
import { badRequest, GantryError } from '@gantry/base';
import { parse as parseYaml } from 'yaml';
import type { FieldValidation } from '../resources/options.js';
import { decodeProtobuf } from '../protobuf/decode.js';
import type { ApiRequest } from './api-request.js';

/** Bytes a request's body may have, as in Kubernetes. */
export const maxBodyBytes = 3 * 1024 * 1024;

export const protobufType = 'application/vnd.kubernetes.protobuf';
const jsonType = 'application/json';
const yamlType = 'application/yaml';

export function mediaTypeOf(request: Pick<ApiRequest, 'headers'>): string {
  return (request.headers['content-type'] ?? jsonType).split(';', 1)[0]!.trim().toLowerCase();
}

export function isJson(request: Pick<ApiRequest, 'headers'>): boolean {
  return mediaTypeOf(request) === jsonType;
}

export function unsupportedMediaType(type: string, supported: readonly string[]): GantryError {
  const message =
    `the body of the request was in an unknown format - accepted media types include: ` +
    `${supported.join(', ')} (got ${type})`;
  return new GantryError('UnsupportedMediaType', message);
}

function fromYaml(bytes: Buffer): unknown {
  try {
    return parseYaml(bytes.toString('utf8'), { maxAliasCount: 100 }) as unknown;
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw badRequest(`the body of the request is not valid YAML: ${why}`, { cause: error });
  }
}

function bytesOf(request: ApiRequest): Buffer {
  if (request.body?.length) return request.body;
  throw badRequest('the body of the request is empty: send the object');
}

/** What `decode` takes: JSON stays text, so that duplicate keys can be seen. */
function source(request: ApiRequest): Uint8Array | object {
  const bytes = bytesOf(request);
  const type = mediaTypeOf(request);
  switch (type) {
    case jsonType:
      return bytes;
    case yamlType:
      return asObject(fromYaml(bytes));
    case protobufType:
      return decodeProtobuf(bytes);
    default:
      throw unsupportedMediaType(type, [jsonType, yamlType, protobufType]);
  }
}

function asObject(value: unknown): object {
  if (typeof value === 'object' && value !== null) return value;
  throw badRequest('the body of the request must be an object');
}

/** The object of a server-side apply: YAML, of which JSON is a part. */
export function decodeApplied<T extends ApiObject>(
  kind: Kind<T>,
  request: ApiRequest,
  fieldValidation: FieldValidation,
): Decoded<T> {
  const bytes = bytesOf(request);
  const isJson = bytes.toString('latin1').trimStart().startsWith('{');
  return decode(kind, isJson ? bytes : asObject(fromYaml(bytes)), { fieldValidation });
}

/** The object in the body, decoded as strictly as asked; UnsupportedMediaType, BadRequest. */
export function decodeBody<T extends ApiObject>(
  kind: Kind<T>,
  request: ApiRequest,
  fieldValidation: FieldValidation,
): Decoded<T> {
  return decode(kind, source(request), { fieldValidation });
}

/** A body that is no stored kind, such as DeleteOptions; undefined when there is none. */
export function looseBody(request: ApiRequest): unknown {
  if (!request.body?.length) return undefined;
  const value = source(request);
  return value instanceof Uint8Array ? parseJson(value) : value;
}

export function parseJson(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(Buffer.from(bytes).toString('utf8'));
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw badRequest(`the body of the request is not valid JSON: ${why}`, { cause: error });
  }
}
