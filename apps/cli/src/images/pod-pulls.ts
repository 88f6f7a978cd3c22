import type { Pod } from '@gantry/api';
import { resourcePath } from '@gantry/client';
import type { Session } from '../session.js';
import { nodeImages, type NodeImages, type NodePull } from './listing.js';

/** The pulls that the pod waits for, as they are now; its status tells them less often. */
export async function pullsOf(session: Session, pod: Pod): Promise<readonly NodePull[]> {
  const { metadata, spec, status } = pod;
  const { nodeName: name } = spec;
  if (status?.phase !== 'Pending' || !name) return [];
  const path = resourcePath(nodeImages, { name });
  // What it says is an extra: without it the status is shown.
  const found = await session.client
    .request<NodeImages>({ method: 'GET', path, query: { only: 'pulls' } })
    .catch(() => undefined);
  const user = `pod ${metadata.namespace}/${metadata.name}`;
  return (found?.pulls ?? []).filter(({ usedBy }) => usedBy === user);
}
