import type { IncomingMessage } from 'node:http';
import type { Readable } from 'node:stream';
import type { Kind } from '@gantry/api-machinery';
import type { ChannelSocket } from './channel-socket.js';

/** Who asks. `groups` as in Kubernetes, e.g. system:masters. */
export interface UserInfo {
  readonly name: string;
  readonly groups: readonly string[];
}

/** A request to a registered path, already authenticated; parameters are checked by the handler. */
export interface SubresourceRequest {
  readonly method: string;
  readonly namespace: string | undefined;
  /** Empty for requests on a collection. */
  readonly name: string;
  readonly query: URLSearchParams;
  readonly headers: IncomingMessage['headers'];
  readonly user: UserInfo;
  /** The decoded JSON or YAML body; undefined when there is none. */
  readonly body: unknown;
  /** Aborts when the client goes away or the server stops. */
  readonly signal: AbortSignal;
  /** The request as it came, to be passed on to another control plane. */
  readonly raw: IncomingMessage;
}

/** What a handler answers with: one JSON object, or a stream that is sent as it comes. */
export type SubresourceResponse =
  | { readonly json: object; readonly status?: number; readonly warnings?: readonly string[] }
  | { readonly stream: Readable; readonly contentType: string }
  /** Passed on to the control plane at `https://ADDRESS`, whose answer is the answer. */
  | { readonly peer: string };

/** The kind that discovery names for a subresource. */
export interface ResponseKind {
  readonly group: string;
  readonly version: string;
  readonly kind: string;
}

export interface Subresource {
  readonly kind: Pick<Kind, 'group' | 'version' | 'plural' | 'namespaced'>;
  /** Last part of the path, e.g. `log`. */
  readonly name: string;
  readonly verbs: readonly string[];
  readonly responseKind?: ResponseKind;
  handle(request: SubresourceRequest): Promise<SubresourceResponse>;
  /**
   * Serves a WebSocket (v5.channel.k8s.io) instead: first `upgrade`, which may still refuse with an error
   * that becomes the HTTP answer, then what it returns, with the open socket.
   */
  upgrade?(request: SubresourceRequest): Promise<UpgradePlan>;
}

export type UpgradePlan =
  | { readonly serve: (socket: ChannelSocket) => Promise<void> }
  | { readonly peer: string };

/** A resource that is computed rather than stored, such as metrics.k8s.io's: it can only be read. */
export interface ComputedResource {
  readonly group: string;
  readonly version: string;
  readonly kind: string;
  readonly plural: string;
  readonly singular: string;
  readonly namespaced: boolean;
  readonly verbs: readonly string[];
  /** Left out of discovery: served to those who know of it. */
  readonly hidden?: true;
  /** Answers get (with name) and list (without) with whole objects, and create where a verb says so. */
  handle(request: SubresourceRequest): Promise<SubresourceResponse>;
}

type Place = Pick<Kind, 'group' | 'version' | 'plural'>;

const placeOf = ({ group, version, plural }: Place) => `${group}/${version}/${plural}`;

/** Paths that other modules serve below the resources of the API; discovery lists them. */
export class SubresourceRegistry {
  private readonly subresources = new Map<string, Subresource>();
  private readonly computed = new Map<string, ComputedResource>();

  register(subresource: Subresource): void {
    const key = `${placeOf(subresource.kind)}/${subresource.name}`;
    if (this.subresources.has(key)) throw new Error(`subresource ${key} is registered twice`);
    this.subresources.set(key, subresource);
  }

  registerResource(resource: ComputedResource): void {
    const key = placeOf(resource);
    if (this.computed.has(key)) throw new Error(`resource ${key} is registered twice`);
    this.computed.set(key, resource);
  }

  find(place: Place, name: string): Subresource | undefined {
    return this.subresources.get(`${placeOf(place)}/${name}`);
  }

  findResource(place: Place): ComputedResource | undefined {
    return this.computed.get(placeOf(place));
  }

  of(place: Place): Subresource[] {
    const key = placeOf(place);
    return [...this.subresources.values()].filter((each) => placeOf(each.kind) === key);
  }

  resources(): ComputedResource[] {
    return [...this.computed.values()];
  }
}
