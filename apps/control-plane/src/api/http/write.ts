import { PodKind } from '@gantry/api';
import type { ApiObject, Kind } from '@gantry/api-machinery';
import { GantryError } from '@gantry/base';
import type { PatchType, WriteOptions, WriteTarget } from '../resources/options.js';
import type { ApiRequest } from './api-request.js';
import type { SentPod } from '../resources/pod-models.js';
import { type ApiResponse, json, jsonText, warningHeaders } from './api-response.js';
import {
  decodeApplied,
  decodeBody,
  isJson,
  looseBody,
  mediaTypeOf,
  parseJson,
  unsupportedMediaType,
} from './body.js';
import type { ApiContext } from './context.js';
import { booleanOf, deleteOptions, fieldManagerOf, listOptions, writeOptions } from './query.js';
import { representationOf } from './read.js';
import { isPlainJson, representList, representObject, respond } from './represent.js';
import { success } from './status.js';
import { requireNamespace, type Target } from './target.js';

const patchTypes: Readonly<Record<string, PatchType>> = {
  'application/apply-patch+yaml': 'apply',
  'application/json-patch+json': 'json',
  'application/merge-patch+json': 'merge',
  'application/strategic-merge-patch+json': 'strategic',
};

/** Collects what is to be said in Warning headers. */
class Warnings {
  readonly texts: string[] = [];
  readonly add = (text: string) => void this.texts.push(text);
  get headers() {
    return warningHeaders(this.texts);
  }
}

/** POST on a collection. */
export async function createObject(
  context: ApiContext,
  request: ApiRequest,
  target: Target,
): Promise<ApiResponse> {
  requireNamespace(target);
  const { kind, namespace } = target;
  const options = writeOptions(request);
  const how = representationOf(request, context.clock.now());
  const pod = sentPod(request, target, options);
  const alike = pod && (await context.resources.createAlike(pod));
  if (alike && isPlainJson(how.form)) return jsonText(alike.text, 201);
  if (alike) return respond(representObject(PodKind, alike.object, how), how.form, 201);
  const { object, warnings } = decodeBody(kind, request, options.fieldValidation);
  const sent = warnings.length === 0 ? pod : undefined;
  const created = await context.resources.create(kind, namespace, object, { ...options, sent });
  return respond(representObject(kind, created, how), how.form, 201, warningHeaders(warnings));
}

/** What makes the new object, if it is a pod that others may be like. */
function sentPod(
  request: ApiRequest,
  { kind, namespace }: Target,
  { dryRun, fieldManager: manager, fieldValidation }: ReturnType<typeof writeOptions>,
): SentPod | undefined {
  const { body: text } = request;
  if (kind !== (PodKind as Kind) || dryRun || !text || !namespace || !isJson(request))
    return undefined;
  return { text, namespace, manager, fieldValidation };
}

/** PUT of an object or its status. */
export async function updateObject(
  context: ApiContext,
  request: ApiRequest,
  target: Target,
  name: string,
  part: WriteTarget,
): Promise<ApiResponse> {
  requireNamespace(target);
  const { kind, namespace } = target;
  const options = writeOptions(request);
  const how = representationOf(request, context.clock.now());
  const { object, warnings } = decodeBody(kind, request, options.fieldValidation);
  const given = object.metadata.resourceVersion;
  const replace = () => {
    // A second attempt must not be held to the version that the first one met.
    object.metadata.resourceVersion = given;
    return object;
  };
  const place = { ...options, target: part };
  const updated = await context.resources.mutate(kind, namespace, name, replace, place);
  return respond(representObject(kind, updated, how), how.form, 200, warningHeaders(warnings));
}

/** PATCH of an object or its status. */
export async function patchObject(
  context: ApiContext,
  request: ApiRequest,
  target: Target,
  name: string,
  part: WriteTarget,
): Promise<ApiResponse> {
  requireNamespace(target);
  const { kind, namespace } = target;
  const type = patchTypeOf(request);
  if (type === 'apply') return applyObject(context, request, target, name, part);
  if (request.query.has('force')) throw patchOptionsInvalid('Forbidden', 'force', notForced);
  const warnings = new Warnings();
  const options: WriteOptions = { ...writeOptions(request), onWarning: warnings.add };
  const how = representationOf(request, context.clock.now());
  const patch = { type, body: parseJson(request.body ?? Buffer.alloc(0)) };
  const place = { ...options, target: part };
  const patched = await context.resources.patch(kind, namespace, name, patch, place);
  return respond(representObject(kind, patched, how), how.form, 200, warnings.headers);
}

const notForced = 'may not be specified for non-apply patch';
const managerNeeded = 'is required for apply patch';

/** As Kubernetes says it of the options of a patch. */
function patchOptionsInvalid(
  reason: 'Forbidden' | 'Required value',
  field: string,
  why: string,
): GantryError {
  const message = `${reason}: ${why}`;
  const cause = reason === 'Forbidden' ? 'FieldValueForbidden' : 'FieldValueRequired';
  return new GantryError(
    'Invalid',
    `PatchOptions.meta.k8s.io "" is invalid: ${field}: ${message}`,
    {
      group: 'meta.k8s.io',
      kind: 'PatchOptions',
      causes: [{ reason: cause, field, message }],
    },
  );
}

/** Server-side apply of an object or its status. */
async function applyObject(
  context: ApiContext,
  request: ApiRequest,
  target: Target,
  name: string,
  part: WriteTarget,
): Promise<ApiResponse> {
  const { kind, namespace } = target;
  const fieldManager = fieldManagerOf(request.query);
  if (!fieldManager) throw patchOptionsInvalid('Required value', 'fieldManager', managerNeeded);
  const force = booleanOf(request.query, 'force');
  const options = { ...writeOptions(request), fieldManager, force, target: part };
  const how = representationOf(request, context.clock.now());
  const { object, warnings } = decodeApplied(kind, request, options.fieldValidation);
  const applied = await context.resources.apply(kind, namespace, name, object, options);
  const code = applied.created ? 201 : 200;
  const body = representObject(kind, applied.object, how);
  return respond(body, how.form, code, warningHeaders(warnings));
}

export function patchTypeOf(request: ApiRequest): PatchType {
  const type = mediaTypeOf(request);
  const known = Object.hasOwn(patchTypes, type) ? patchTypes[type] : undefined;
  if (known) return known;
  throw unsupportedMediaType(type, Object.keys(patchTypes));
}

/** DELETE of one object: a Status when it is gone, the object itself while it is going. */
export async function deleteObject(
  context: ApiContext,
  request: ApiRequest,
  target: Target,
  name: string,
): Promise<ApiResponse> {
  requireNamespace(target);
  const { kind, namespace } = target;
  const options = deleteOptions(request.query, looseBody(request));
  const { gone, object } = await context.resources.delete(kind, namespace, name, options);
  return json(gone && !isPod(kind) ? deleted(kind, object) : object);
}

// A pod that goes at once is still answered with itself, as clients of Kubernetes expect.
const isPod = (kind: Kind) => kind.group === '' && kind.plural === 'pods';

function deleted(kind: Kind, { metadata }: ApiObject): object {
  const { name, uid } = metadata;
  const details = { name, kind: kind.plural, uid };
  return success(kind.group ? { ...details, group: kind.group } : details);
}

/** DELETE of a collection, as far as selectors go. */
export async function deleteObjects(
  context: ApiContext,
  request: ApiRequest,
  target: Target,
): Promise<ApiResponse> {
  const { kind, namespace } = target;
  const { resources, clock } = context;
  const how = representationOf(request, clock.now());
  const options = deleteOptions(request.query, looseBody(request));
  const selection = listOptions(request.query, namespace);
  const items = await resources.deleteCollection(kind, selection, options);
  const page = { items, resourceVersion: '' };
  return respond(representList(kind, page, how), how.form);
}
