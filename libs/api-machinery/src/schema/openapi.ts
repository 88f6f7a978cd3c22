import { apiVersionOf, type Kind } from '../kind.js';
import { describeStruct, type FieldType, type ScalarType, type Struct } from './field.js';
import { openApiPaths } from './openapi-paths.js';
import { planOf, type FieldPlan, type JsonObject } from './plan.js';
import { reachableStructs, schemaNames } from './schema-names.js';

type Names = ReadonlyMap<Struct, string>;

const scalars: Record<ScalarType, JsonObject> = {
  string: { type: 'string' },
  int32: { type: 'integer', format: 'int32' },
  int64: { type: 'integer', format: 'int64' },
  double: { type: 'number', format: 'double' },
  boolean: { type: 'boolean' },
  quantity: { type: 'string' },
  time: { type: 'string', format: 'date-time' },
  microTime: { type: 'string', format: 'date-time' },
  bytes: { type: 'string', format: 'byte' },
  intOrString: { type: 'string', format: 'int-or-string' },
  any: { 'x-kubernetes-preserve-unknown-fields': true },
};

function schemaOf(type: FieldType, names: Names): JsonObject {
  switch (type.form) {
    case 'scalar':
      return { ...scalars[type.scalar] };
    case 'struct':
      return { $ref: `#/components/schemas/${names.get(type.struct())}` };
    case 'map':
      return { type: 'object', additionalProperties: schemaOf(type.item, names) };
    case 'list':
      return { type: 'array', items: schemaOf(type.item, names), ...listExtensions(type) };
  }
}

function listExtensions({ merge }: FieldType & { form: 'list' }): JsonObject {
  if (merge.set) {
    return { 'x-kubernetes-list-type': 'set', 'x-kubernetes-patch-strategy': 'merge' };
  }
  const keys = merge.keys ?? (merge.merge === undefined ? undefined : [merge.merge]);
  return {
    'x-kubernetes-list-type': keys ? 'map' : 'atomic',
    ...(keys && { 'x-kubernetes-list-map-keys': keys }),
    ...(merge.merge !== undefined && {
      'x-kubernetes-patch-merge-key': merge.merge,
      'x-kubernetes-patch-strategy': merge.retainKeys ? 'merge,retainKeys' : 'merge',
    }),
  };
}

function propertySchema(field: FieldPlan, names: Names): JsonObject {
  const { type, description, default: value } = field;
  const schema = schemaOf(type, names);
  const extras = {
    description,
    ...(value !== undefined && typeof value !== 'function' && { default: value }),
    ...(field.retainKeys && { 'x-kubernetes-patch-strategy': 'retainKeys' }),
  };
  // A $ref may have no siblings in OpenAPI 3.0.
  return '$ref' in schema ? { ...extras, allOf: [schema] } : { ...schema, ...extras };
}

function structSchema(struct: Struct, names: Names): JsonObject {
  const { list } = planOf(struct);
  const required = list.filter((field) => field.required).map(({ name }) => name);
  return {
    type: 'object',
    description: describeStruct(struct),
    properties: Object.fromEntries(list.map((field) => [field.name, propertySchema(field, names)])),
    ...(required.length > 0 && { required }),
  };
}

function listSchema(kind: Kind, names: Names): JsonObject {
  const reference = { $ref: `#/components/schemas/${names.get(kind.type)}` };
  return {
    type: 'object',
    description: `${kind.kind}List is a list of ${kind.kind} objects.`,
    properties: {
      apiVersion: { type: 'string' },
      kind: { type: 'string' },
      metadata: { type: 'object' },
      items: { type: 'array', items: reference },
    },
    required: ['items'],
    'x-kubernetes-group-version-kind': [
      { group: kind.group, version: kind.version, kind: `${kind.kind}List` },
    ],
  };
}

function components(kinds: readonly Kind[], names: Names): JsonObject {
  const schemas: JsonObject = {};
  for (const kind of kinds) {
    for (const struct of reachableStructs(kind.type)) {
      schemas[names.get(struct) ?? struct.name] ??= structSchema(struct, names);
    }
    const name = names.get(kind.type) ?? kind.kind;
    const { group, version } = kind;
    (schemas[name] as JsonObject)['x-kubernetes-group-version-kind'] = [
      { group, version, kind: kind.kind },
    ];
    schemas[`${name}List`] = listSchema(kind, names);
  }
  return { schemas };
}

/** `api/v1` or `apis/GROUP/VERSION`: the key of a document in the index of /openapi/v3. */
export function openApiPath(kind: Pick<Kind, 'group' | 'version'>): string {
  return kind.group ? `apis/${apiVersionOf(kind)}` : `api/${kind.version}`;
}

/** OpenAPI v3 documents of all kinds, by {@link openApiPath}. */
export function openApiV3(
  kinds: readonly Kind[],
  info: { readonly title: string; readonly version: string },
): ReadonlyMap<string, JsonObject> {
  const names = schemaNames(kinds);
  const documents = new Map<string, JsonObject>();
  for (const [path, members] of Map.groupBy(kinds, openApiPath)) {
    const paths = Object.assign({}, ...members.map((kind) => openApiPaths(kind, names)));
    documents.set(path, {
      openapi: '3.0.0',
      info,
      paths,
      components: components(members, names),
    });
  }
  return documents;
}
