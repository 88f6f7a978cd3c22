type Json = Record<string, unknown>;

const methods = ['get', 'put', 'post', 'delete', 'patch'];
const asDefinition = (reference: string) =>
  reference.replace('#/components/schemas/', '#/definitions/');

/** One schema, with references where v2 has them and the single `allOf` around one taken off. */
function schemaV2(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(schemaV2);
  if (typeof value !== 'object' || value === null) return value;
  const { allOf, ...rest } = value as Json;
  const [only] = (allOf ?? []) as Json[];
  const merged: Json = { ...rest, ...only };
  return Object.fromEntries(
    Object.entries(merged).map(([name, content]) => [
      name,
      name === '$ref' ? asDefinition(content as string) : schemaV2(content),
    ]),
  );
}

function operationV2(operation: Json): Json {
  const parameters = ((operation['parameters'] ?? []) as Json[])
    .filter((parameter) => parameter['in'] === 'query')
    .map(({ schema, ...rest }) => ({
      ...rest,
      type: (schema as Json | undefined)?.['type'] ?? 'string',
    }));
  const { requestBody: _body, ...kept } = operation;
  return { ...kept, parameters, responses: { '200': { description: 'OK' } } };
}

function pathV2(item: Json): Json {
  const operations = methods.filter((method) => item[method]);
  return Object.fromEntries(
    operations.map((method) => [method, operationV2(item[method] as Json)]),
  );
}

/** One OpenAPI v2 document with what all the v3 documents say; what they share is the same in each. */
export function openApiV2(documents: Iterable<Json>): Json {
  const all = [...documents];
  const paths: Json = {};
  const definitions: Json = {};
  for (const document of all) {
    const { schemas } = document['components'] as { schemas: Json };
    for (const [path, item] of Object.entries(document['paths'] as Json)) {
      paths[path] = pathV2(item as Json);
    }
    for (const [name, schema] of Object.entries(schemas)) definitions[name] ??= schemaV2(schema);
  }
  return { swagger: '2.0', info: all[0]?.['info'] ?? {}, paths, definitions };
}
