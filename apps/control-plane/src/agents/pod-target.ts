import { PodKind, type Container, type Pod } from '@gantry/api';
import { badRequest, unavailable } from '@gantry/base';
import type { Resources, SubresourceRequest } from '../api/index.js';
import type { AgentSession } from './agent-session.js';
import type { AgentSessions } from './agent-sessions.js';
import type { SessionKeys } from './session-keys.js';

/** The container that a log, exec or attach is about, and where its node's session is. */
export type PodTarget = {
  readonly pod: Pod;
  readonly container: Container;
  readonly node: string;
} & ({ readonly session: AgentSession } | { readonly peer: string });

const defaultContainer = 'kubectl.kubernetes.io/default-container';

/** Chooses the container as Kubernetes does, with its messages. */
export function chooseContainer(pod: Pod, name: string | null): Container {
  const { metadata, spec } = pod;
  const all = [...spec.containers, ...(spec.initContainers ?? [])];
  const wanted = name || metadata.annotations?.[defaultContainer];
  if (wanted) {
    const found = all.find((container) => container.name === wanted);
    if (found) return found;
    throw badRequest(`container ${wanted} is not valid for pod ${metadata.name}`);
  }
  if (spec.containers.length === 1) return spec.containers[0]!;
  const names = spec.containers.map((container) => container.name).join(' ');
  throw badRequest(
    `a container name must be specified for pod ${metadata.name}, choose one of: [${names}]`,
  );
}

/** Finds pods and the control planes that can reach them. */
export class PodTargets {
  constructor(
    private readonly resources: Resources,
    private readonly sessions: AgentSessions,
    private readonly keys: SessionKeys,
  ) {}

  /** NotFound, BadRequest for the container, Unavailable when the node is not connected anywhere. */
  async find(request: SubresourceRequest): Promise<PodTarget> {
    const pod = await this.resources.get(PodKind, request.namespace, request.name);
    const container = chooseContainer(pod, request.query.get('container'));
    const node = pod.spec.nodeName;
    if (!node) throw badRequest(`pod ${request.name} does not have a host assigned`);
    const session = this.sessions.find(node);
    if (session) return { pod, container, node, session };
    const entry = await this.keys.find(node);
    if (entry) return { pod, container, node, peer: entry.address };
    throw unavailable(`node ${node} is not connected; its containers cannot be reached now`);
  }
}
