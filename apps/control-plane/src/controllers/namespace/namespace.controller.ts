import { NamespaceKind, type ApiObject, type Kind, type Namespace } from '@gantry/api';
import { isReason } from '@gantry/base';
import { Controller, source, type ObjectStore } from '@gantry/controller';
import type { ControllerContext } from '../context.js';
import { withCondition } from '../conditions.js';

/** Held by every namespace until nothing is left in it. */
const contentFinalizer = 'kubernetes';
const recheckMs = 500;

export interface NamespaceOptions {
  readonly objects: ObjectStore;
  readonly kinds: readonly Kind[];
}

/** Empties namespaces that are being deleted, then lets them go. */
export function namespaceController(
  context: ControllerContext,
  options: NamespaceOptions,
): Controller {
  const { informers, resources, clock, logger } = context;
  const namespaces = informers.for(NamespaceKind);
  return new Controller({
    name: 'namespace',
    sources: [source(namespaces, (namespace) => [namespace.metadata.name!])],
    async reconcile(name, signal) {
      const namespace = namespaces.get(undefined, name);
      const finalizers = namespace?.spec?.finalizers ?? [];
      if (!namespace?.metadata.deletionTimestamp || !finalizers.includes(contentFinalizer)) return;
      const left = await empty(context, options, name, signal);
      if (left.length > 0) {
        await report(context, namespace, left);
        return { requeueAfterMs: recheckMs };
      }
      const rest = finalizers.filter((finalizer) => finalizer !== contentFinalizer);
      await resources.finalizeNamespace(name, rest).catch((error: unknown) => {
        if (!isReason(error, 'NotFound')) throw error;
      });
    },
    logger,
    clock,
    ...(context.metrics ? { metrics: context.metrics } : {}),
  });
}

/** Deletes all that is in the namespace; what is still there afterwards, e.g. `3 pods`. */
async function empty(
  { resources }: ControllerContext,
  { objects, kinds }: NamespaceOptions,
  namespace: string,
  signal: AbortSignal,
): Promise<string[]> {
  const left: string[] = [];
  for (const kind of kinds.filter(({ namespaced }) => namespaced)) {
    const { items } = await objects.list(kind, { namespace });
    let remaining = 0;
    for (const { metadata } of items) {
      signal.throwIfAborted();
      if (!(await removed(resources, kind, metadata))) remaining++;
    }
    if (remaining > 0) left.push(`${remaining} ${kind.plural}`);
  }
  return left;
}

async function removed(
  resources: ControllerContext['resources'],
  kind: Kind,
  { namespace, name, uid, deletionTimestamp }: ApiObject['metadata'],
): Promise<boolean> {
  if (deletionTimestamp) return false;
  try {
    const options = { preconditions: { uid: uid! }, propagationPolicy: 'Background' as const };
    return (await resources.delete(kind, namespace, name!, options)).gone;
  } catch (error) {
    if (isReason(error, 'NotFound')) return true;
    if (isReason(error, 'Conflict')) return false;
    throw error;
  }
}

async function report(
  { resources, clock }: ControllerContext,
  namespace: Namespace,
  left: readonly string[],
): Promise<void> {
  const condition = {
    type: 'NamespaceContentRemaining',
    status: 'True' as const,
    reason: 'SomeResourcesRemain',
    message: `still there: ${left.join(', ')}`,
  };
  await resources.mutateStatus(NamespaceKind, undefined, namespace.metadata.name!, (current) => {
    const conditions = withCondition(current.status?.conditions, condition, clock.now());
    return { ...current, status: { ...current.status, conditions } };
  });
}
