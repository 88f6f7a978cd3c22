import type { ApiObject, Deployment, Event, Node, Pod, ReplicaSet } from '@gantry/api';
import { isReason } from '@gantry/base';
import type { DiscoveredResource } from '@gantry/client';
import type { Command } from 'commander';
import { runs, type Environment, type Flags } from '../command-line.js';
import { eventLines } from '../describe/events.js';
import { describeConfigMap, describeOther, describeSecret } from '../describe/generic.js';
import { describeNode } from '../describe/node.js';
import { describePod } from '../describe/pod.js';
import { describeDeployment, describeReplicaSet } from '../describe/workload.js';
import { section } from '../describe/section.js';
import { nodeImages } from '../images/listing.js';
import { progressText } from '../images/progress-line.js';
import { podResource } from '../pods-of.js';
import { parseSelections } from '../resources/arguments.js';
import { builtin } from '../resources/builtin.js';
import { revisionsOf } from '../rollout/revisions.js';
import type { Session } from '../session.js';

async function podsOn(session: Session, nodeName: string): Promise<Pod[]> {
  const ended = 'status.phase!=Succeeded,status.phase!=Failed';
  const fieldSelector = `spec.nodeName=${nodeName},${ended}`;
  return (await session.client.listAll(podResource, { fieldSelector })).items;
}

/** The pulls that the pod waits for, as they are now; its status tells them less often. */
async function pullsOf(session: Session, { metadata, spec, status }: Pod): Promise<string[]> {
  const { nodeName: name } = spec;
  if (status?.phase !== 'Pending' || !name) return [];
  const found = await session.client.get(nodeImages, { name }).catch(() => undefined);
  const user = `pod ${metadata.namespace}/${metadata.name}`;
  const own = (found?.pulls ?? []).filter(({ usedBy }) => usedBy === user);
  const lines = own.map((pull) => `${pull.image}: ${progressText(pull)}`);
  return lines.length > 0 ? section('Pulling', lines) : [];
}

async function bodyLines(session: Session, object: ApiObject): Promise<string[]> {
  switch (object.kind ?? '') {
    case 'Pod':
      return [...describePod(object as Pod), ...(await pullsOf(session, object as Pod))];
    case 'Node':
      return describeNode(object as Node, await podsOn(session, object.metadata.name ?? ''));
    case 'Deployment': {
      const deployment = object as Deployment;
      const revisions = await revisionsOf(session, deployment);
      return describeDeployment(
        deployment,
        revisions.map(({ replicaSet }) => replicaSet),
      );
    }
    case 'ReplicaSet':
      return describeReplicaSet(object as ReplicaSet);
    case 'ConfigMap':
      return describeConfigMap(object);
    case 'Secret':
      return describeSecret(object);
    default:
      return describeOther(object);
  }
}

async function eventsOf(session: Session, { kind, metadata }: ApiObject): Promise<Event[]> {
  const { name, namespace, uid } = metadata;
  const parts = [`involvedObject.kind=${kind}`, `involvedObject.name=${name}`];
  // Events about nodes carry the node's name for a uid; their name is enough.
  if (kind !== 'Node') parts.push(`involvedObject.uid=${uid}`);
  const resource = builtin<Event>('Event');
  const options = { namespace, fieldSelector: parts.join(','), limit: 500 };
  return (await session.client.list(resource, options)).items;
}

async function find(session: Session, resource: DiscoveredResource, name: string, flags: Flags) {
  const namespace = resource.namespaced ? session.namespace : undefined;
  try {
    return [await session.client.get<ApiObject>(resource, { namespace, name })];
  } catch (error) {
    if (!isReason(error, 'NotFound')) throw error;
    // As kubectl: what begins with the name will do.
    const labelSelector = flags['selector'] as string | undefined;
    const { items } = await session.client.listAll(resource, { namespace, labelSelector });
    const near = items.filter(({ metadata }) => metadata.name?.startsWith(name));
    if (near.length === 0) throw error;
    return near;
  }
}

async function describe(session: Session, words: readonly string[], flags: Flags): Promise<void> {
  const selections = await parseSelections(session.catalog, words);
  const objects: ApiObject[] = [];
  for (const { resource, names } of selections) {
    const everywhere = flags['allNamespaces'] === true || !resource.namespaced;
    const scope = {
      namespace: everywhere ? undefined : session.namespace,
      labelSelector: flags['selector'] as string | undefined,
    };
    if (names.length === 0) objects.push(...(await session.client.listAll(resource, scope)).items);
    for (const name of names) objects.push(...(await find(session, resource, name, flags)));
  }
  if (objects.length === 0) return session.terminal.err('No resources found.\n');
  for (const [index, object] of objects.entries()) {
    const [body, events] = await Promise.all([
      bodyLines(session, object),
      eventsOf(session, object),
    ]);
    const lines = [...body, ...eventLines(events, Date.now())];
    session.terminal.out(
      `${index > 0 ? '\n\n' : ''}${lines.map((line) => line.trimEnd()).join('\n')}\n`,
    );
  }
}

export function registerDescribe(program: Command, environment: Environment): void {
  const command = program
    .command('describe')
    .description('show objects in detail, with what happened to them')
    .argument('[what...]', 'TYPE, TYPE NAME… or TYPE/NAME…; the beginning of a name will do')
    .option('-l, --selector <labels>', 'only objects with these labels')
    .option('-A, --all-namespaces', 'in all namespaces');
  runs(environment, command, describe);
}
