import { Backoff, delay, GantryError, systemClock, type Clock } from '@gantry/base';
import type { ApiObject, ObjectList, Status, Table } from '@gantry/api-machinery';
import type { IncomingMessage } from 'node:http';
import { text } from 'node:stream/consumers';
import type { ClusterConfig } from './cluster.js';
import { codeOf, errorFromAnswer, errorFromTransport } from './failure.js';
import {
  queryText,
  resourcePath,
  type ObjectAddress,
  type Query,
  type ResourceType,
} from './resource.js';
import { Transport, type Method } from './transport.js';

export type PatchType = 'strategic' | 'merge' | 'json' | 'apply';

const patchMediaTypes: Record<PatchType, string> = {
  strategic: 'application/strategic-merge-patch+json',
  merge: 'application/merge-patch+json',
  json: 'application/json-patch+json',
  apply: 'application/apply-patch+yaml',
};

const tableMediaType =
  'application/json;as=Table;v=v1;g=meta.k8s.io,application/json;as=Table;v=v1beta1;g=meta.k8s.io,application/json';

export interface ApiClientOptions {
  /** Product and version, e.g. `gantry/0.1.0`; the server derives the field manager from it. */
  readonly userAgent?: string;
  /** How often a request is tried in all (default 5). */
  readonly attempts?: number;
  /** Until the answer's head has come (default 30 s). */
  readonly timeoutMs?: number;
  readonly clock?: Clock;
  /** Called with each Warning header of an answer. */
  readonly onWarning?: (warning: string) => void;
}

export interface ApiRequest {
  readonly method: Method;
  readonly path: string;
  readonly query?: Query;
  readonly body?: unknown;
  readonly contentType?: string;
  readonly accept?: string;
  readonly signal?: AbortSignal;
  /** 0 waits for ever; default: the client's. */
  readonly timeoutMs?: number;
}

export interface ListOptions {
  readonly namespace?: string;
  readonly labelSelector?: string;
  readonly fieldSelector?: string;
  readonly limit?: number;
  readonly continue?: string;
  readonly resourceVersion?: string;
  readonly signal?: AbortSignal;
}

export interface WriteOptions {
  readonly dryRun?: boolean;
  readonly fieldManager?: string;
  readonly fieldValidation?: 'Strict' | 'Warn' | 'Ignore';
  readonly force?: boolean;
  readonly signal?: AbortSignal;
}

export interface DeleteOptions {
  readonly gracePeriodSeconds?: number;
  readonly propagationPolicy?: 'Background' | 'Foreground' | 'Orphan';
  readonly dryRun?: boolean;
  readonly preconditions?: { readonly uid?: string; readonly resourceVersion?: string };
}

const defaultAttempts = 5;
const maxRetryAfterMs = 30_000;
// The connection was never made, so not even a write can have happened.
const neverSent = new Set(['ECONNREFUSED', 'EHOSTUNREACH', 'ENETUNREACH', 'EAI_AGAIN']);
const cutOff = new Set(['ECONNRESET', 'EPIPE', 'ETIMEDOUT', 'UND_ERR_SOCKET']);

function writeQuery({ dryRun, fieldManager, fieldValidation, force }: WriteOptions): Query {
  return { dryRun: dryRun ? 'All' : undefined, fieldManager, fieldValidation, force };
}

/**
 * A client of the API for one cluster. Fails with GantryError: the server's own for what it refused,
 * Unavailable for what could not be asked. Reads are tried again after cut connections, 429 and 503;
 * writes only when they cannot have happened.
 */
export class ApiClient {
  readonly transport: Transport;
  private readonly clock: Clock;

  constructor(
    readonly cluster: ClusterConfig,
    private readonly options: ApiClientOptions = {},
  ) {
    this.transport = new Transport(cluster, options.userAgent ?? 'gantry-client');
    this.clock = options.clock ?? systemClock;
  }

  /** The answer's stream, once its head says success. */
  async open(request: ApiRequest): Promise<IncomingMessage> {
    const attempts = this.options.attempts ?? defaultAttempts;
    const backoff = new Backoff({ baseMs: 100, maxMs: 5_000, jitter: 0.5 });
    for (let attempt = 1; ; attempt += 1) {
      const outcome = await this.attempt(request);
      if ('answer' in outcome) return outcome.answer;
      if (attempt >= attempts || outcome.retryAfterMs === undefined) throw outcome.error;
      await delay(this.clock, Math.max(outcome.retryAfterMs, backoff.next()), request.signal);
    }
  }

  private async attempt(request: ApiRequest): Promise<Outcome> {
    const { method, path, query, body, signal } = request;
    const headers: Record<string, string> = { accept: request.accept ?? 'application/json' };
    if (body !== undefined) headers['content-type'] = request.contentType ?? 'application/json';
    let answer: IncomingMessage;
    try {
      answer = await this.transport.send({
        method,
        path: path + queryText(query),
        headers,
        body: body === undefined || typeof body === 'string' ? body : JSON.stringify(body),
        timeoutMs: request.timeoutMs ?? this.options.timeoutMs ?? 30_000,
        signal,
      });
    } catch (error) {
      if (signal?.aborted) throw signal.reason;
      const code = codeOf(error);
      const again = neverSent.has(code) || (method === 'GET' && cutOff.has(code));
      const failure = errorFromTransport(this.cluster.server, error);
      return { error: failure, retryAfterMs: again ? 0 : undefined };
    }
    this.warn(answer);
    const code = answer.statusCode ?? 0;
    if (code >= 200 && code < 300) return { answer };
    return this.refused(answer, code, method);
  }

  private async refused(answer: IncomingMessage, code: number, method: Method): Promise<Outcome> {
    const error = errorFromAnswer(code, await text(answer));
    const seconds = Number(answer.headers['retry-after']);
    const asked = Number.isFinite(seconds) && answer.headers['retry-after'] !== undefined;
    // The server says itself that the request did nothing and may come again.
    if (code === 429 || (code === 503 && (asked || method === 'GET'))) {
      const retryAfterMs = asked ? Math.min(seconds * 1000, maxRetryAfterMs) : 0;
      return { error, retryAfterMs };
    }
    return { error };
  }

  private warn(answer: IncomingMessage): void {
    const header = answer.headers['warning'];
    if (!header || !this.options.onWarning) return;
    for (const match of header.matchAll(/\d{3} \S+ ("(?:[^"\\]|\\.)*")/g)) {
      this.options.onWarning((match[1] ?? '""').slice(1, -1).replaceAll(/\\(.)/g, '$1'));
    }
  }

  /** The answer as JSON. */
  async request<R>(request: ApiRequest): Promise<R> {
    const body = await this.text(request);
    try {
      return JSON.parse(body) as R;
    } catch (error) {
      const why = `${request.method} ${request.path} was not answered with JSON`;
      throw new GantryError('InternalError', why, {}, { cause: error });
    }
  }

  /** The answer as text. */
  async text(request: ApiRequest): Promise<string> {
    const answer = await this.open(request);
    try {
      return await text(answer);
    } catch (error) {
      throw errorFromTransport(this.cluster.server, error);
    }
  }

  get<T extends ApiObject>(resource: ResourceType<T>, address: ObjectAddress): Promise<T> {
    return this.request({ method: 'GET', path: resourcePath(resource, address) });
  }

  /** One page of a collection; follow `metadata.continue` for more, or use {@link listAll}. */
  list<T extends ApiObject>(
    resource: ResourceType<T>,
    { namespace, signal, ...query }: ListOptions = {},
  ): Promise<ObjectList<T>> {
    return this.request({
      method: 'GET',
      path: resourcePath(resource, { namespace }),
      query,
      signal,
    });
  }

  /** The whole collection, page by page; items carry kind and apiVersion. */
  async listAll<T extends ApiObject>(
    resource: ResourceType<T>,
    options: ListOptions = {},
  ): Promise<ObjectList<T>> {
    const first = await this.list(resource, { limit: 500, ...options });
    const items = [...first.items];
    let { metadata } = first;
    while (metadata.continue) {
      const page = await this.list(resource, {
        limit: 500,
        ...options,
        continue: metadata.continue,
      });
      items.push(...page.items);
      metadata = page.metadata;
    }
    const apiVersion = resource.group ? `${resource.group}/${resource.version}` : resource.version;
    const typed = items.map((item) => ({ ...item, apiVersion, kind: resource.kind }));
    return {
      ...first,
      metadata: { resourceVersion: first.metadata.resourceVersion },
      items: typed,
    };
  }

  /** The collection, or one object, as the Table that the server makes of it. */
  async table(
    resource: ResourceType,
    { namespace, signal, ...query }: ListOptions & { readonly name?: string },
  ): Promise<Table> {
    const { name, ...rest } = query;
    const path = resourcePath(resource, { namespace, name });
    const accept = tableMediaType;
    const page = (more: Query) =>
      this.request<Table>({
        method: 'GET',
        path,
        query: { ...(name ? {} : rest), ...more },
        accept,
        signal,
      });
    const table = await page(name ? {} : { limit: rest.limit ?? 500 });
    let next = table.metadata?.continue;
    while (next) {
      const more = await page({ limit: rest.limit ?? 500, continue: next });
      table.rows.push(...more.rows);
      next = more.metadata?.continue;
    }
    return table;
  }

  create<T extends ApiObject>(
    resource: ResourceType<T>,
    object: T,
    options: WriteOptions = {},
  ): Promise<T> {
    const path = resourcePath(resource, { namespace: object.metadata.namespace });
    return this.request({ method: 'POST', path, query: writeQuery(options), body: object });
  }

  update<T extends ApiObject>(
    resource: ResourceType<T>,
    object: T,
    options: WriteOptions & { readonly subresource?: string } = {},
  ): Promise<T> {
    const { namespace, name } = object.metadata;
    const path = resourcePath(resource, { namespace, name, subresource: options.subresource });
    return this.request({ method: 'PUT', path, query: writeQuery(options), body: object });
  }

  patch<T extends ApiObject>(
    resource: ResourceType<T>,
    address: ObjectAddress,
    type: PatchType,
    patch: unknown,
    options: WriteOptions = {},
  ): Promise<T> {
    return this.request({
      method: 'PATCH',
      path: resourcePath(resource, address),
      query: writeQuery(options),
      body: patch,
      contentType: patchMediaTypes[type],
    });
  }

  /** The object when it still has to end gracefully, else a Status. */
  delete<T extends ApiObject>(
    resource: ResourceType<T>,
    address: ObjectAddress,
    { dryRun, ...options }: DeleteOptions = {},
  ): Promise<T | Status> {
    const body = {
      kind: 'DeleteOptions',
      apiVersion: 'v1',
      propagationPolicy: 'Background',
      ...options,
    };
    const query = { dryRun: dryRun ? 'All' : undefined };
    return this.request({ method: 'DELETE', path: resourcePath(resource, address), query, body });
  }

  close(): void {
    this.transport.close();
  }
}

type Outcome =
  | { readonly answer: IncomingMessage }
  | { readonly error: GantryError; readonly retryAfterMs?: number };
