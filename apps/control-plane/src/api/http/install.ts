import type { ServerResponse } from 'node:http';
import { Readable } from 'node:stream';
import { describeError, GantryError, type Logger } from '@gantry/base';
import type { FastifyError, FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { ApiMetrics, RequestLabels } from './api-metrics.js';
import { type ApiResponse, json } from './api-response.js';
import { isGone } from './connection.js';
import type { Dispatcher, Route } from './dispatcher.js';
import { Incoming, readBody } from './incoming.js';
import type { KindRegistry } from './kind-registry.js';
import { failure } from './status.js';

export interface InstallOptions {
  readonly dispatcher: Dispatcher;
  readonly kinds: KindRegistry;
  readonly metrics: ApiMetrics;
  readonly logger: Logger;
  /** Ends watches and other streams when the server stops. */
  readonly signal: AbortSignal;
}

const urls = ['/api', '/api/*', '/apis', '/apis/*', '/openapi/*', '/version', '/version/'];
const methods = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'];

/**
 * Puts the API on a Fastify instance, in a scope of its own: requests are answered as soon as they are routed, so that
 * nothing is read from those who may not ask, and every answer, error or not, is written as the wire format wants it.
 */
export async function installApi(fastify: FastifyInstance, options: InstallOptions): Promise<void> {
  await fastify.register(async (scope) => {
    scope.setErrorHandler((error: FastifyError, _request, reply) => {
      reply.hijack();
      write(reply.raw, errorResponse(beforeHandling(error), options.logger));
    });
    const onRequest = (request: FastifyRequest, reply: FastifyReply, _done: () => void) => {
      // What would follow, for parsed bodies and validated schemas, costs more than routing itself.
      reply.hijack();
      serve(request, reply, options).catch((error: unknown) => {
        options.logger.error({ err: describeError(error) }, 'an answer could not be written');
        reply.raw.destroy();
      });
    };
    const handler = () => {
      throw new Error('a request to the API has passed its hook');
    };
    for (const url of urls) {
      scope.route({ method: methods, url, onRequest, handler, exposeHeadRoute: false });
    }
  });
}

/** Fastify's own refusals, which come before a handler, in our terms. */
function beforeHandling(error: FastifyError): unknown {
  if (error.statusCode && error.statusCode < 500)
    return new GantryError('BadRequest', error.message);
  return error;
}

function errorResponse(error: unknown, logger: Logger): ApiResponse {
  if (!(error instanceof GantryError) || error.reason === 'InternalError') {
    const fields = { err: describeError(error), stack: (error as Error | undefined)?.stack };
    logger.error(fields, 'request failed');
  }
  const status = failure(error);
  // Retry-After makes clients wait and try again by themselves; only where we know that it helps.
  const { retryAfterSeconds } = status.details ?? {};
  const headers = retryAfterSeconds ? { 'retry-after': String(retryAfterSeconds) } : undefined;
  return json(status, status.code, headers);
}

async function serve(
  request: FastifyRequest,
  reply: FastifyReply,
  options: InstallOptions,
): Promise<void> {
  const { dispatcher, logger, metrics, signal } = options;
  const started = performance.now();
  const [pathname = '', search = ''] = request.url.split('?', 2);
  let route: Route | undefined;
  let response: ApiResponse;
  try {
    const query = new URLSearchParams(search);
    route = dispatcher.route(request.method, pathname, query);
    const user = await dispatcher.admit(request.raw, route.attributes);
    const body = await readBody(request.raw);
    // Who takes requests back as fast as they come must not have us work for nobody.
    if (isGone(reply.raw)) return;
    const incoming = new Incoming(request.raw, reply.raw, query, user, body, signal);
    response = await dispatcher.dispatch(incoming, pathname, route.path);
  } catch (error) {
    response = errorResponse(error, logger);
  }
  write(reply.raw, response);
  const streamed = response.body instanceof Readable;
  const seconds = streamed ? undefined : (performance.now() - started) / 1000;
  metrics.observe(labelsOf(route, options.kinds), response.status, seconds);
}

function write(raw: ServerResponse, { status, contentType, headers, body }: ApiResponse): void {
  const fixed = { 'content-type': contentType, 'cache-control': 'no-cache, private' };
  if (body instanceof Readable) {
    raw.writeHead(status, { ...fixed, ...headers });
    // Watchers wait for the headers before they do anything else.
    raw.flushHeaders();
    if (isGone(raw)) return void body.destroy();
    raw.once('close', () => body.destroy());
    body.once('error', () => raw.destroy());
    body.pipe(raw);
    return;
  }
  const length = typeof body === 'string' ? Buffer.byteLength(body) : body.length;
  const sized = status === 304 ? {} : { 'content-length': length };
  raw.writeHead(status, { ...fixed, ...headers, ...sized });
  // What has no body by its nature is complete with its headers; HTTP/2 takes no byte after them.
  const isBare = status === 304 || raw.req.method === 'HEAD';
  raw.end(isBare ? undefined : body);
}

const noLabels = { group: '', version: '', resource: '', subresource: '', scope: '' } as const;

// Only names that are served become labels: clients must not be able to make series up.
function labelsOf(route: Route | undefined, kinds: KindRegistry): RequestLabels {
  const verb = route?.attributes.verb.toUpperCase() ?? 'UNKNOWN';
  if (route?.path.type !== 'resource') return { verb, ...noLabels };
  const { group, version, plural, namespace, name, subresource = '' } = route.path.path;
  if (!kinds.find(group, version, plural)) return { verb, ...noLabels };
  const scope = name !== undefined ? 'resource' : namespace !== undefined ? 'namespace' : 'cluster';
  const known = /^[a-z]{1,20}$/.test(subresource) ? subresource : '';
  return { verb, group, version, resource: plural, subresource: known, scope };
}
