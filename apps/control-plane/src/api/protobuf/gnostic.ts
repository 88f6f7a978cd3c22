import { WireWriter } from './encode.js';

type Json = Record<string, unknown>;

const entries = (value: unknown): [string, Json][] =>
  Object.entries((value ?? {}) as Json) as [string, Json][];
const items = (value: unknown): unknown[] => (Array.isArray(value) ? (value as unknown[]) : []);
const any = (value: unknown) => new WireWriter().text(2, JSON.stringify(value));

function named(name: string, value: WireWriter): WireWriter {
  return new WireWriter().text(1, name).message(2, value);
}

/** Everything of `x-…`, as NamedAny, in the given field. */
function extensions(into: WireWriter, from: Json, field: number): void {
  for (const [name, value] of Object.entries(from)) {
    if (name.startsWith('x-')) into.message(field, named(name, any(value)));
  }
}

function schema(from: Json): WireWriter {
  const into = new WireWriter();
  into.text(1, from['$ref']).text(2, from['format']).text(4, from['description']);
  if (from['default'] !== undefined) into.message(5, any(from['default']));
  for (const name of items(from['required'])) into.text(19, name);
  if (from['additionalProperties']) {
    const content = schema(from['additionalProperties'] as Json);
    into.message(21, new WireWriter().message(1, content));
  }
  if (from['type']) into.message(22, new WireWriter().text(1, from['type']));
  if (from['items']) into.message(23, new WireWriter().message(1, schema(from['items'] as Json)));
  if (from['properties']) into.message(25, schemas(from['properties']));
  extensions(into, from, 31);
  return into;
}

/** Properties and Definitions have the same shape. */
function schemas(from: unknown): WireWriter {
  const into = new WireWriter();
  for (const [name, value] of entries(from)) into.message(1, named(name, schema(value)));
  return into;
}

function queryParameter(from: Json): WireWriter {
  const query = new WireWriter().flag(1, from['required']).text(2, 'query');
  query.text(3, from['description']).text(4, from['name']).text(6, from['type']);
  const nonBody = new WireWriter().message(3, query);
  return new WireWriter().message(1, new WireWriter().message(2, nonBody));
}

function operation(from: Json): WireWriter {
  const into = new WireWriter().text(3, from['description']).text(5, from['operationId']);
  for (const parameter of items(from['parameters']))
    into.message(8, queryParameter(parameter as Json));
  into.message(9, new WireWriter());
  extensions(into, from, 13);
  return into;
}

const methodFields = { get: 2, put: 3, post: 4, delete: 5, patch: 8 } as const;

function pathItem(from: Json): WireWriter {
  const into = new WireWriter();
  for (const [method, field] of Object.entries(methodFields)) {
    if (from[method]) into.message(field, operation(from[method] as Json));
  }
  return into;
}

/**
 * An OpenAPI v2 document in the protobuf form of gnostic's openapi.v2.Document, which kubectl up to 1.28
 * reads. Of parameters only those of the query are written.
 */
export function encodeOpenApiV2(document: Json): Buffer {
  const { title, version } = document['info'] as Json;
  const paths = new WireWriter();
  for (const [path, item] of entries(document['paths']))
    paths.message(2, named(path, pathItem(item)));
  return new WireWriter()
    .text(1, document['swagger'])
    .message(2, new WireWriter().text(1, title).text(2, version))
    .message(8, paths)
    .message(9, schemas(document['definitions']))
    .toBuffer();
}
