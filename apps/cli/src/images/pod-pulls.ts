import type { Pod } from '@gantry/api';
import type { Session } from '../session.js';
import { nodeImages, type NodePull } from './listing.js';

/** The pulls that the pod waits for, as they are now; its status tells them less often. */
export async function pullsOf(session: Session, pod: Pod): Promise<readonly NodePull[]> {
  const { metadata, spec, status } = pod;
  const { nodeName: name } = spec;
  if (status?.phase !== 'Pending' || !name) return [];
  // What it says is an extra: without it the status is shown.
  const found = await session.client.get(nodeImages, { name }).catch(() => undefined);
  const user = `pod ${metadata.namespace}/${metadata.name}`;
  return (found?.pulls ?? []).filter(({ usedBy }) => usedBy === user);
}
