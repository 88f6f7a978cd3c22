import { isReason } from '@gantry/base';
import { watch, type DiscoveredResource } from '@gantry/client';
import type { Session } from './session.js';
import { CommandError } from './usage-error.js';

export interface Going {
  readonly resource: DiscoveredResource;
  readonly namespace?: string;
  readonly name: string;
  readonly uid?: string;
}

async function gone(
  session: Session,
  { resource, namespace, name, uid }: Going,
  signal: AbortSignal,
) {
  const scope = { namespace, fieldSelector: `metadata.name=${name}`, signal };
  while (!signal.aborted) {
    const { items, metadata } = await session.client.list(resource, scope);
    if (!items.some((item) => uid === undefined || item.metadata.uid === uid)) return;
    try {
      for await (const change of watch(
        session.client,
        resource,
        metadata.resourceVersion ?? '',
        scope,
      )) {
        const another = uid !== undefined && change.object.metadata.uid !== uid;
        if (change.type === 'DELETED' || another) return;
      }
    } catch (error) {
      if (!isReason(error, 'Expired')) throw error;
    }
  }
}

/** Waits until the objects are gone or replaced by others of their name; `timeoutMs` bounds it. */
export async function waitUntilGone(
  session: Session,
  objects: readonly Going[],
  timeoutMs?: number,
): Promise<void> {
  const deadline = timeoutMs ? AbortSignal.timeout(timeoutMs) : undefined;
  const signal = deadline ? AbortSignal.any([session.signal, deadline]) : session.signal;
  try {
    await Promise.all(objects.map((object) => gone(session, object, signal)));
  } catch (error) {
    if (!signal.aborted) throw error;
  }
  if (deadline?.aborted) {
    throw new CommandError('timed out waiting for the deletion; it goes on, see `gantry get`');
  }
}
