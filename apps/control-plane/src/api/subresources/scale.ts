import {
  type ApiObject,
  formatSelector,
  type Kind,
  type LabelSelector,
} from '@gantry/api-machinery';
import { badRequest, conflict, invalid } from '@gantry/base';
import type { PatchType, WriteOptions } from '../resources/options.js';
import { detailsOf } from '../resources/details.js';
import { applyPatch } from '../resources/patching.js';
import type { Resources } from '../resources/resources.js';

/** autoscaling/v1 Scale: the number of replicas of anything that has one. */
export interface Scale extends ApiObject {
  spec: { replicas: number };
  status: { replicas: number; selector?: string };
}

interface Scalable extends ApiObject {
  spec: { replicas?: number; selector?: LabelSelector };
  status?: { replicas?: number };
}

export const scaleKind = { group: 'autoscaling', version: 'v1', kind: 'Scale' } as const;

/** The Scale of an object; it has the object's name, uid and resourceVersion. */
export function scaleOf(object: ApiObject): Scale {
  const { metadata, spec, status } = object as Scalable;
  const { name, namespace, uid, resourceVersion, creationTimestamp } = metadata;
  const scale: Scale = {
    kind: 'Scale',
    apiVersion: 'autoscaling/v1',
    metadata: { name, namespace, uid, resourceVersion, creationTimestamp },
    spec: { replicas: spec.replicas ?? 1 },
    status: { replicas: status?.replicas ?? 0 },
  };
  if (spec.selector) scale.status.selector = formatSelector(spec.selector);
  return scale;
}

function replicasFrom(scale: unknown, name: string): number {
  const replicas = (scale as Partial<Scale> | undefined)?.spec?.replicas ?? 0;
  if (Number.isSafeInteger(replicas) && replicas >= 0 && replicas < 2 ** 31) return replicas;
  const message = `Invalid value: ${JSON.stringify(replicas)}: must be a whole number from 0 on`;
  const causes = [{ reason: 'FieldValueInvalid', field: 'spec.replicas', message }];
  throw invalid({ name, kind: 'Scale', group: 'autoscaling', causes });
}

/** Where a scale request goes. */
export interface ScaleTarget {
  readonly kind: Kind;
  readonly namespace: string | undefined;
  readonly name: string;
}

/** Sets the replicas from what `next` makes of the current Scale; Conflict on a stale version. */
async function rescale(
  resources: Resources,
  { kind, namespace, name }: ScaleTarget,
  options: WriteOptions,
  next: (current: Scale) => unknown,
): Promise<Scale> {
  const scaled = await resources.mutate(
    kind,
    namespace,
    name,
    (current) => {
      const wanted = next(scaleOf(current));
      const { resourceVersion } = (wanted as Scale).metadata ?? {};
      if (resourceVersion && resourceVersion !== current.metadata.resourceVersion) {
        throw conflict(detailsOf(kind, name));
      }
      (current as Scalable).spec.replicas = replicasFrom(wanted, name);
      return current;
    },
    options,
  );
  return scaleOf(scaled);
}

export function replaceScale(
  resources: Resources,
  target: ScaleTarget,
  body: unknown,
  options: WriteOptions,
): Promise<Scale> {
  if (typeof body !== 'object' || body === null) throw badRequest('the body must be a Scale');
  const { kind = 'Scale' } = body as ApiObject;
  if (kind !== 'Scale') throw badRequest(`the body is a ${kind}, but this path takes a Scale`);
  return rescale(resources, target, options, () => body);
}

export function patchScale(
  resources: Resources,
  target: ScaleTarget,
  patch: { type: PatchType; body: unknown },
  options: WriteOptions,
): Promise<Scale> {
  return rescale(resources, target, options, (current) => applyPatch(undefined, current, patch));
}
