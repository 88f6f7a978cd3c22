import type { ApiObject, LabelSelector, Pod } from '@gantry/api';
import { isReady } from '@gantry/api/conditions';
import { formatSelector } from '@gantry/api-machinery';
import type { DiscoveredResource } from '@gantry/client';
import { builtin } from './resources/builtin.js';
import type { Session } from './session.js';
import { CommandError } from './usage-error.js';

interface Selecting extends ApiObject {
  readonly spec?: { readonly selector?: LabelSelector };
}

export const podResource = builtin<Pod>('Pod');

/** The pods that an object stands for: itself, or those its selector matches. */
export async function podsOf(
  session: Session,
  resource: DiscoveredResource,
  name: string,
): Promise<Pod[]> {
  const { client, namespace } = session;
  if (resource.kind === 'Pod') return [await client.get(podResource, { namespace, name })];
  const owner = await client.get<Selecting>(resource, { namespace, name });
  const selector = owner.spec?.selector;
  if (!selector) throw new CommandError(`${resource.singular}/${name} has no pods of its own`);
  const labelSelector = formatSelector(selector);
  const { items } = await client.listAll(podResource, { namespace, labelSelector });
  if (items.length === 0) {
    throw new CommandError(`${resource.singular}/${name} has no pods at the moment`);
  }
  return items;
}

function rank(pod: Pod): number {
  if (pod.metadata.deletionTimestamp) return 3;
  return isReady(pod) ? 0 : pod.status?.phase === 'Running' ? 1 : 2;
}

/** The pod to look at first: a ready one, else a running one. Says so when it had to choose. */
export async function onePodOf(
  session: Session,
  resource: DiscoveredResource,
  name: string,
): Promise<Pod> {
  const pods = (await podsOf(session, resource, name)).toSorted((a, b) => rank(a) - rank(b));
  const pod = pods[0]!;
  if (pods.length > 1) {
    session.terminal.err(`Found ${pods.length} pods, using pod/${pod.metadata.name}\n`);
  }
  return pod;
}

/** The container that is meant: the one named, the annotated default, or the only or first one. */
export function containerOf(session: Session, pod: Pod, asked: string | undefined): string {
  const { containers, initContainers = [] } = pod.spec;
  const all = [...containers, ...initContainers].map(({ name }) => name);
  if (asked) {
    if (all.includes(asked)) return asked;
    throw new CommandError(
      `container ${asked} is not valid for pod ${pod.metadata.name}; it has: ${all.join(', ')}`,
    );
  }
  const marked = pod.metadata.annotations?.['kubectl.kubernetes.io/default-container'];
  if (marked && all.includes(marked)) return marked;
  const [first] = containers;
  if (containers.length > 1) {
    session.terminal.err(`Defaulted container "${first?.name}" out of: ${all.join(', ')}\n`);
  }
  return first?.name ?? '';
}
