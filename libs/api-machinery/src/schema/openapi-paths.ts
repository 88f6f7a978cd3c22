import { apiVersionOf, type Kind } from '../kind.js';
import type { Struct } from './field.js';
import type { JsonObject } from './plan.js';

type Names = ReadonlyMap<Struct, string>;

function parameter(name: string, type: string, description: string): JsonObject {
  return { name, in: 'query', description, schema: { type, uniqueItems: true } };
}

function pathParameter(name: string, description: string): JsonObject {
  return { name, in: 'path', required: true, description, schema: { type: 'string' } };
}

const dryRun = parameter('dryRun', 'string', 'All: check everything, store nothing.');
const fieldManager = parameter('fieldManager', 'string', 'Name that owns the fields set here.');
const fieldValidation = parameter(
  'fieldValidation',
  'string',
  'What to do with unknown and duplicate fields: Ignore, Warn or Strict.',
);
const force = parameter('force', 'boolean', 'Take over fields that others own (apply only).');
const writeParameters = [dryRun, fieldManager, fieldValidation];
const listParameters = [
  parameter('allowWatchBookmarks', 'boolean', 'Send bookmarks.'),
  parameter('continue', 'string', 'Where the page before ended.'),
  parameter('fieldSelector', 'string', 'Only objects with these fields.'),
  parameter('labelSelector', 'string', 'Only objects with these labels.'),
  parameter('limit', 'integer', 'The most items of a page.'),
  parameter('resourceVersion', 'string', 'Version to read or to watch from.'),
  parameter('resourceVersionMatch', 'string', 'How resourceVersion is meant.'),
  parameter('sendInitialEvents', 'boolean', 'Begin the watch with the present state.'),
  parameter('timeoutSeconds', 'integer', 'End after this time.'),
  parameter('watch', 'boolean', 'Follow the changes.'),
];
const patchTypes = [
  'application/apply-patch+yaml',
  'application/json-patch+json',
  'application/merge-patch+json',
  'application/strategic-merge-patch+json',
];

class Operations {
  private readonly reference: JsonObject;
  private readonly identity: JsonObject;

  constructor(
    private readonly kind: Kind,
    names: Names,
  ) {
    this.reference = { $ref: `#/components/schemas/${names.get(kind.type)}` };
    const { group, version } = kind;
    this.identity = {
      'x-kubernetes-group-version-kind': { group, version, kind: kind.kind },
    };
  }

  private operation(action: string, id: string, extra: JsonObject): JsonObject {
    const content = { 'application/json': { schema: this.reference } };
    return {
      operationId: `${id}${this.kind.group}${this.kind.version}${this.kind.kind}`,
      responses: { 200: { description: 'OK', content } },
      'x-kubernetes-action': action,
      ...this.identity,
      ...extra,
    };
  }

  private body(types: readonly string[] = ['application/json']): JsonObject {
    const schema = types.length === 1 ? this.reference : { type: 'object' };
    const content = Object.fromEntries(types.map((type) => [type, { schema }]));
    return { required: true, content };
  }

  collection(): JsonObject {
    return {
      get: this.operation('list', 'list', { parameters: listParameters }),
      post: this.operation('post', 'create', {
        parameters: writeParameters,
        requestBody: this.body(),
      }),
      delete: this.operation('deletecollection', 'deleteCollection', {
        parameters: [...listParameters, dryRun],
      }),
    };
  }

  object(): JsonObject {
    return {
      get: this.operation('get', 'read', {}),
      put: this.operation('put', 'replace', {
        parameters: writeParameters,
        requestBody: this.body(),
      }),
      patch: this.operation('patch', 'patch', {
        parameters: [...writeParameters, force],
        requestBody: this.body(patchTypes),
      }),
      delete: this.operation('delete', 'delete', { parameters: [dryRun] }),
    };
  }
}

/** The paths of a kind, with the parameters by which kubectl finds out what the server can do. */
export function openApiPaths(kind: Kind, names: Names): JsonObject {
  const root = kind.group ? `/apis/${apiVersionOf(kind)}` : `/api/${kind.version}`;
  const operations = new Operations(kind, names);
  const namespace = pathParameter('namespace', 'Namespace of the object.');
  const name = pathParameter('name', 'Name of the object.');
  const scope = kind.namespaced ? [namespace] : [];
  const base = kind.namespaced ? `${root}/namespaces/{namespace}` : root;
  const collection = `${base}/${kind.plural}`;
  const paths: JsonObject = {
    [collection]: { ...operations.collection(), parameters: scope },
    [`${collection}/{name}`]: { ...operations.object(), parameters: [...scope, name] },
  };
  if (kind.namespaced) paths[`${root}/${kind.plural}`] = { get: operations.collection()['get'] };
  if (kind.subresources.status) {
    const { delete: _, ...status } = operations.object();
    paths[`${collection}/{name}/status`] = { ...status, parameters: [...scope, name] };
  }
  return paths;
}
