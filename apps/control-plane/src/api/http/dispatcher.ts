import type { IncomingMessage } from 'node:http';
import { GantryError } from '@gantry/base';
import type {
  ComputedResource,
  Subresource,
  SubresourceRequest,
  SubresourceResponse,
  UserInfo,
} from '../subresources/registry.js';
import type { Access, AccessAttributes } from './access.js';
import type { ApiRequest } from './api-request.js';
import { type ApiResponse, json, warningHeaders } from './api-response.js';
import { looseBody } from './body.js';
import { catalog } from './catalog.js';
import type { ApiContext } from './context.js';
import { discoverGroup, discoverRoot, discoverVersion } from './discovery.js';
import { OpenApiDocuments } from './openapi.js';
import type { PeerProxy } from './peer-proxy.js';
import { booleanOf } from './query.js';
import { type ApiPath, parseApiPath, type ResourcePath } from './request-info.js';
import { routeStored } from './resource-routes.js';
import { methodNotAllowed, unknownResource } from './target.js';
import { verbOf } from './verb.js';
import { versionInfo } from './version.js';

export interface Route {
  readonly path: ApiPath;
  readonly attributes: AccessAttributes;
}

export interface DispatcherOptions {
  readonly context: ApiContext;
  readonly access: Access;
  readonly peers: PeerProxy;
}

/** From a request to its answer: path, authentication, authorization, handler. Throws GantryErrors. */
export class Dispatcher {
  private readonly documents: OpenApiDocuments;

  constructor(private readonly options: DispatcherOptions) {
    this.documents = new OpenApiDocuments(options.context.kinds);
  }

  /** Authenticated and authorized, or an error. */
  async admit(raw: IncomingMessage, attributes: AccessAttributes): Promise<UserInfo> {
    const { access } = this.options;
    const user = await access.authenticate(raw);
    await access.authorize(user, attributes);
    return user;
  }

  route(method: string, pathname: string, query: URLSearchParams): Route {
    const path = parseApiPath(pathname);
    if (path.type !== 'resource') {
      const verb = method === 'HEAD' ? 'get' : method.toLowerCase();
      return { path, attributes: { verb, path: pathname } };
    }
    const { group, plural: resource, subresource, namespace, name } = path.path;
    const verb = verbOf(method, path.path, booleanOf(query, 'watch'));
    return { path, attributes: { verb, group, resource, subresource, namespace, name } };
  }

  /** Answers an admitted request. */
  async dispatch(request: ApiRequest, pathname: string, path: ApiPath): Promise<ApiResponse> {
    if (path.type === 'resource') return this.resource(request, path.path);
    if (request.method !== 'GET' && request.method !== 'HEAD') {
      throw methodNotAllowed(`${request.method} on ${pathname}`);
    }
    return this.document(request, path, pathname);
  }

  private document(request: ApiRequest, path: ApiPath, pathname: string): ApiResponse {
    const { kinds, subresources } = this.options.context;
    if (path.type === 'unknown') return this.other(request, pathname);
    const versions = catalog(kinds, subresources);
    if (path.type === 'group') return discoverGroup(versions, path.group);
    if (path.type === 'version') return discoverVersion(versions, path.group, path.version);
    return discoverRoot(versions, request, path.type === 'core' ? 'api' : 'apis');
  }

  private other(request: ApiRequest, pathname: string): ApiResponse {
    if (pathname === '/version' || pathname === '/version/') return json(versionInfo);
    if (pathname === '/openapi/v2') return this.documents.serveV2(request);
    if (pathname === '/openapi/v3') return this.documents.index();
    const prefix = '/openapi/v3/';
    if (!pathname.startsWith(prefix)) throw unknownResource();
    return this.documents.serve(pathname.slice(prefix.length), request);
  }

  private async resource(request: ApiRequest, path: ResourcePath): Promise<ApiResponse> {
    const { context } = this.options;
    const { group, version, plural, namespace, subresource } = path;
    const kind = context.kinds.find(group, version, plural);
    if (kind) {
      const answer = routeStored(context, request, { kind, path, namespace });
      if (answer) return answer;
    }
    const handler = this.registered(path);
    if (!handler) throw unknownResource();
    if (!handler.verbs.includes(verbOf(request.method, path, false))) {
      throw methodNotAllowed(
        `${request.method} on ${[plural, subresource].filter(Boolean).join('/')}`,
      );
    }
    return this.answer(request, await handler.handle(subresourceRequest(request, path)));
  }

  private registered(path: ResourcePath): Subresource | ComputedResource | undefined {
    const { subresources } = this.options.context;
    if (path.subresource === undefined) return subresources.findResource(path);
    return subresources.find(path, path.subresource);
  }

  private answer(
    request: ApiRequest,
    response: SubresourceResponse,
  ): ApiResponse | Promise<ApiResponse> {
    if ('json' in response) {
      return json(response.json, response.status, warningHeaders(response.warnings ?? []));
    }
    if ('peer' in response) return this.options.peers.forward(request, response.peer);
    return { status: 200, contentType: response.contentType, body: response.stream };
  }

  /** WebSockets are opened by a GET; what changes something is no read for all that. */
  upgradeVerb(path: ApiPath): string {
    const verbs = (path.type === 'resource' && this.registered(path.path)?.verbs) || [];
    return verbs.includes('create') && !verbs.includes('get') ? 'create' : 'get';
  }

  /** The handler of a WebSocket on this path; NotFound or BadRequest when there is none. */
  upgradeHandler(path: ApiPath): Subresource & Required<Pick<Subresource, 'upgrade'>> {
    const { context } = this.options;
    const place = path.type === 'resource' ? path.path : undefined;
    const found = place?.subresource && context.subresources.find(place, place.subresource);
    if (!found) throw unknownResource();
    if (!found.upgrade) {
      throw new GantryError('BadRequest', `${found.name} is not served over WebSockets`);
    }
    return found as Subresource & Required<Pick<Subresource, 'upgrade'>>;
  }
}

/** A request as registered handlers get it; the body is read when it is asked for. */
export function subresourceRequest(request: ApiRequest, path: ResourcePath): SubresourceRequest {
  return {
    method: request.method,
    namespace: path.namespace,
    name: path.name ?? '',
    query: request.query,
    headers: request.headers,
    user: request.user,
    raw: request.raw,
    get body() {
      return looseBody(request);
    },
    get signal() {
      return request.signal;
    },
  };
}
