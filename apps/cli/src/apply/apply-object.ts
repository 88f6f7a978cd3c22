import type { ApiObject } from '@gantry/api';
import { isReason } from '@gantry/base';
import type { DiscoveredResource, WriteOptions } from '@gantry/client';
import type { Manifest } from '../manifests/manifest.js';
import type { Session } from '../session.js';
import { UsageError } from '../usage-error.js';
import { lastApplied, lastAppliedAnnotation, withLastApplied } from './last-applied.js';

export interface ApplyOptions {
  readonly serverSide?: boolean;
  readonly forceConflicts?: boolean;
  readonly fieldManager?: string;
  readonly dryRun?: boolean;
  readonly fieldValidation: 'Strict' | 'Warn' | 'Ignore';
}

export interface Applied {
  readonly resource: DiscoveredResource;
  readonly object: ApiObject;
  readonly outcome: 'created' | 'configured' | 'unchanged' | 'serverside-applied';
}

const conflictRetries = 5;

/** Puts the object into the session's namespace unless it names one; a clash is refused. */
export function placed(
  session: Session,
  resource: DiscoveredResource,
  manifest: Manifest,
): ApiObject {
  const { object, source } = manifest;
  if (!resource.namespaced) return object;
  const { namespace } = session.flags;
  const own = object.metadata.namespace;
  if (own && namespace && own !== namespace) {
    throw new UsageError(
      `${source}: the namespace of the object (${own}) is not the one of --namespace (${namespace})`,
    );
  }
  return { ...object, metadata: { ...object.metadata, namespace: own ?? session.namespace } };
}

async function serverSide(
  session: Session,
  resource: DiscoveredResource,
  object: ApiObject,
  options: ApplyOptions,
): Promise<Applied> {
  const { namespace, name } = object.metadata;
  const write: WriteOptions = {
    fieldManager: options.fieldManager ?? 'gantry',
    fieldValidation: options.fieldValidation,
    force: options.forceConflicts ?? false,
    dryRun: options.dryRun,
  };
  const result = await session.client.patch(resource, { namespace, name }, 'apply', object, write);
  return { resource, object: result, outcome: 'serverside-applied' };
}

async function threeWayPatch(
  resource: DiscoveredResource,
  modified: ApiObject,
  current: ApiObject,
) {
  // The declarations take 50 ms to load, so that only an update of something that exists pays for them.
  const { kinds, threeWayMergePatch, threeWayStrategicPatch } = await import('@gantry/api');
  const kind = kinds.find(({ group, version, kind: name }) => {
    return group === resource.group && version === resource.version && name === resource.kind;
  });
  const original = lastApplied(current);
  return kind
    ? {
        type: 'strategic' as const,
        patch: threeWayStrategicPatch(kind.type, original, modified, current),
      }
    : { type: 'merge' as const, patch: threeWayMergePatch(original, modified, current) };
}

function isEmptyPatch(patch: object, current: ApiObject, modified: ApiObject): boolean {
  const keys = Object.keys(patch);
  if (keys.length === 0) return true;
  // Only the record of what was applied differs, and not in meaning.
  const metadata = (patch as { metadata?: { annotations?: object } }).metadata;
  if (keys.length > 1 || !metadata || Object.keys(metadata).length > 1) return false;
  const annotations = Object.keys(metadata.annotations ?? {});
  if (annotations.length !== 1 || annotations[0] !== lastAppliedAnnotation) return false;
  return JSON.stringify(lastApplied(current)) === JSON.stringify(lastApplied(modified));
}

async function clientSide(
  session: Session,
  resource: DiscoveredResource,
  object: ApiObject,
  options: ApplyOptions,
): Promise<Applied> {
  const { client } = session;
  const modified = withLastApplied(object);
  const { namespace, name } = modified.metadata;
  const { fieldValidation, dryRun } = options;
  const fieldManager = options.fieldManager ?? 'gantry-client-side-apply';
  const write: WriteOptions = { fieldValidation, dryRun, fieldManager };
  let current: ApiObject;
  try {
    current = await client.get<ApiObject>(resource, { namespace, name });
  } catch (error) {
    if (!isReason(error, 'NotFound')) throw error;
    const created = await client.create(resource, modified, write);
    return { resource, object: created, outcome: 'created' };
  }
  const { type, patch } = await threeWayPatch(resource, modified, current);
  if (isEmptyPatch(patch, current, modified)) {
    return { resource, object: current, outcome: 'unchanged' };
  }
  const patched = await client.patch<ApiObject>(resource, { namespace, name }, type, patch, write);
  const same = patched.metadata.resourceVersion === current.metadata.resourceVersion && !dryRun;
  return { resource, object: patched, outcome: same ? 'unchanged' : 'configured' };
}

/** Brings one object to what its manifest says, tried again when another writer was faster. */
export async function applyManifest(
  session: Session,
  manifest: Manifest,
  options: ApplyOptions,
): Promise<Applied> {
  const { apiVersion, kind } = manifest.object;
  const resource = await session.catalog.findKind(apiVersion, kind);
  const object = placed(session, resource, manifest);
  if (!object.metadata.name) {
    throw new UsageError(`${manifest.source}: metadata.name is missing; apply needs a fixed name`);
  }
  const apply = options.serverSide ? serverSide : clientSide;
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await apply(session, resource, object, options);
    } catch (error) {
      const raced = isReason(error, 'Conflict') || isReason(error, 'AlreadyExists');
      if (options.serverSide || !raced || attempt >= conflictRetries) throw error;
    }
  }
}
