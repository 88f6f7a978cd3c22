import type { ImageRequest, OpenStream } from '@gantry/agent-protocol';
import { NodeKind, PodKind, type Node } from '@gantry/api';
import { badRequest, describeError, GantryError, notFound, unavailable } from '@gantry/base';
import type { Informers } from '@gantry/controller';
import {
  channel,
  type Resources,
  type SubresourceRegistry,
  type SubresourceRequest,
  type SubresourceResponse,
  type UpgradePlan,
} from '../api/index.js';
import type { AgentSession } from './agent-session.js';
import type { AgentSessions } from './agent-sessions.js';
import type { BlobExchange } from './blob-exchange.js';
import { type ImageVerb, imageVerbs, parseImageQuery } from './image-query.js';
import { nodeImagesTable, wantsTable } from './node-images-table.js';
import type { PeerMetrics } from './peer-metrics.js';
import { chooseContainer } from './pod-target.js';
import { failureOf, joinSockets, refusal } from './pod-streams.js';
import type { RelayBroker, RelayStream } from './relay-broker.js';
import type { SessionKeys } from './session-keys.js';

const place = { group: 'gantry.dev', version: 'v1', plural: 'nodeimages', namespaced: false };
const apiVersion = 'gantry.dev/v1';

/** A list of images that is longer than this is refused, in bytes. */
const maxListBytes = 16 << 20;
/** A node that has not told its images by then is left out of a list, in milliseconds. */
const listTimeoutMs = 3_000;
/** Nodes that are asked at the same time. */
const maxAtOnce = 64;
const onlyWebSocket = 'this needs a WebSocket (v5.channel.k8s.io): use gantry image';

/** One image of a node as its agent tells it. */
export interface NodeImage {
  readonly names: readonly string[];
  readonly digest: string;
  readonly sizeBytes: number;
  readonly lastUsedAt: string;
}

/** A pull that runs on a node; the fields are those of the agent's PullProgress. */
export interface NodePull {
  readonly [field: string]: unknown;
  readonly image: string;
  readonly bytesTotal: number;
  readonly bytesDone: number;
}

/** gantry.dev/v1 NodeImages: what a node has, read from its agent whenever it is asked for. */
export interface NodeImagesObject {
  readonly [field: string]: unknown;
  readonly kind: 'NodeImages';
  readonly apiVersion: string;
  readonly metadata: { readonly name: string };
  readonly images: readonly NodeImage[];
  readonly pulls: readonly NodePull[];
}

export interface NodeImagesOptions {
  readonly sessions: AgentSessions;
  readonly keys: SessionKeys;
  readonly relays: RelayBroker;
  readonly blobs: BlobExchange;
  readonly resources: Resources;
  readonly informers: Informers;
  /** Asks the control planes that hold the other nodes. */
  readonly peers: PeerMetrics;
}

/** The images of nodes: GET nodeimages, and the WebSockets of nodeimages/NODE/VERB, served by the agents. */
export class NodeImages {
  constructor(private readonly options: NodeImagesOptions) {}

  register(registry: SubresourceRegistry): void {
    registry.registerResource({
      ...place,
      kind: 'NodeImages',
      singular: 'nodeimages',
      verbs: ['get', 'list'],
      handle: (request) => this.read(request),
    });
    const verbs = Object.keys(imageVerbs) as ImageVerb[];
    for (const name of verbs) {
      registry.register({
        kind: place,
        name,
        verbs: ['create'],
        responseKind: { group: place.group, version: place.version, kind: 'NodeImages' },
        handle: async () => Promise.reject(badRequest(onlyWebSocket)),
        upgrade: (request) => this.join(name, request).catch(refusal),
      });
    }
  }

  private async read(request: SubresourceRequest): Promise<SubresourceResponse> {
    const { name } = request;
    if (name !== '' && !this.node(name)) throw notFoundNode(name);
    const warnings: string[] = [];
    const nodes = name === '' ? this.nodeNames() : [name];
    const verb = request.query.get('only') === 'pulls' ? 'pulls' : 'list';
    const known = await this.connected(nodes, verb, request.signal, warnings);
    const merged = await this.options.peers.addTo(known, request, name || undefined);
    const all = [...warnings, ...merged.warnings];
    return this.answer(request, merged.items as readonly NodeImagesObject[], all);
  }

  /** What those of the nodes have that are connected here; a warning for each that does not tell. */
  private async connected(
    nodes: readonly string[],
    verb: string,
    signal: AbortSignal,
    warnings: string[],
  ): Promise<NodeImagesObject[]> {
    const queue = nodes.flatMap((node) => this.options.sessions.find(node) ?? []);
    const found: NodeImagesObject[] = [];
    const worker = async () => {
      for (let session = queue.shift(); session; session = queue.shift()) {
        try {
          found.push(await this.images(session, verb, signal));
        } catch (error) {
          warnings.push(`no images of ${session.node}: ${describeError(error)}`);
        }
      }
    };
    await Promise.all(Array.from({ length: maxAtOnce }, worker));
    return found;
  }

  private answer(
    request: SubresourceRequest,
    found: readonly NodeImagesObject[],
    warnings: readonly string[],
  ): SubresourceResponse {
    const { name } = request;
    const items = found.toSorted((a, b) => (a.metadata.name < b.metadata.name ? -1 : 1));
    const [first] = items;
    if (name !== '' && !first) throw unavailable(warnings[0] ?? notConnected(name));
    if (wantsTable(request.headers)) return { json: nodeImagesTable(items), warnings };
    if (name !== '') return { json: first!, warnings };
    return { json: { kind: 'NodeImagesList', apiVersion, metadata: {}, items }, warnings };
  }

  private async images(
    session: AgentSession,
    verb: string,
    gone: AbortSignal,
  ): Promise<NodeImagesObject> {
    const signal = AbortSignal.any([gone, AbortSignal.timeout(listTimeoutMs)]);
    const relay = await this.open(session, { image: { verb } }, signal);
    const { images, pulls } = JSON.parse(await resultOf(relay, signal)) as NodeImagesObject;
    return { kind: 'NodeImages', apiVersion, metadata: { name: session.node }, images, pulls };
  }

  private async join(verb: ImageVerb, request: SubresourceRequest): Promise<UpgradePlan> {
    const { name: node } = request;
    const image = parseImageQuery(verb, request.query);
    if (!this.node(node)) throw notFoundNode(node);
    const session = this.options.sessions.find(node);
    if (!session) {
      const entry = await this.options.keys.find(node);
      if (entry) return { peer: entry.address };
      throw unavailable(notConnected(node));
    }
    if (verb === 'pull' || verb === 'copy') this.options.blobs.ordered(node, image.images ?? []);
    if (verb === 'copy') image.fromAddress = this.addressOf(image.fromNode!);
    const order = { image, ...(await this.container(image, request.query, node)) };
    const relay = await this.open(session, order, request.signal);
    return { serve: (socket) => joinSockets(socket, relay) };
  }

  private addressOf(node: string): string {
    const address = this.options.blobs.addressOf(node);
    if (address) return address;
    throw unavailable(
      `node ${node} cannot be asked by its peers: pass the image through save and load`,
    );
  }

  /** The container that an export is of, when the query names one. */
  private async container(
    { verb }: ImageRequest,
    query: URLSearchParams,
    node: string,
  ): Promise<Pick<OpenStream, 'pod' | 'container'>> {
    const name = query.get('pod');
    if (name === null || verb !== 'export') return {};
    const namespace = query.get('namespace') ?? 'default';
    const pod = await this.options.resources.get(PodKind, namespace, name);
    if (pod.spec.nodeName !== node) throw badRequest(`pod ${name} is not on node ${node}`);
    const container = chooseContainer(pod, query.get('container')).name;
    return { pod: { uid: pod.metadata.uid, namespace, name }, container };
  }

  private open(
    session: AgentSession,
    order: Omit<OpenStream, 'streamId'>,
    signal: AbortSignal,
  ): Promise<RelayStream> {
    const send = (open: OpenStream) => session.openStream(open);
    return this.options.relays.open(session.node, order, send, signal);
  }

  private node(name: string): Node | undefined {
    return this.options.informers.for(NodeKind).get(undefined, name);
  }

  private nodeNames(): string[] {
    const nodes = this.options.informers.for(NodeKind).list();
    return nodes.map(({ metadata }) => metadata.name!);
  }
}

const notConnected = (node: string) =>
  `node ${node} is not connected; its images cannot be reached now`;

function notFoundNode(name: string): GantryError {
  return notFound({ kind: 'nodes', name });
}

/** What the agent answered on channel 1; rejects with the failure that it told, or when the signal aborts. */
async function resultOf(relay: RelayStream, signal: AbortSignal): Promise<string> {
  const close = () => relay.close();
  signal.addEventListener('abort', close, { once: true });
  const chunks: Buffer[] = [];
  let bytes = 0;
  try {
    for await (const frame of relay) {
      if (frame.channel === channel.status) {
        const failure = failureOf(frame.payload);
        if (failure) throw failure;
        return Buffer.concat(chunks).toString('utf8');
      }
      if (frame.channel !== channel.stdout) continue;
      bytes += frame.payload.length;
      if (bytes > maxListBytes) throw unavailable('the list of images is too long');
      chunks.push(frame.payload);
    }
  } finally {
    signal.removeEventListener('abort', close);
    close();
  }
  throw unavailable('the node was disconnected');
}
