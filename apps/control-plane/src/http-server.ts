import type { RequestListener } from 'node:http';
import type { Server } from 'node:https';
import type { Logger } from '@gantry/base';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import type { FastifyInstance, RawServerDefault } from 'fastify';
import { TlsServer } from './api/index.js';
import type { Pki } from './auth/pki.js';

/** Largest request body; Kubernetes allows as much. */
const maxBodyBytes = 3 * 1024 * 1024;

function tlsOptions(pki: Pki) {
  const { certificatePem: cert, keyPem: key } = pki.serving;
  return { cert, key, ca: pki.caPem };
}

/** HTTP/2 and HTTP/1.1 over TLS; client certificates are asked for and judged by the Authenticator. */
export function createHttpAdapter(pki: Pki): FastifyAdapter {
  const options = { requestCert: true, rejectUnauthorized: false, minVersion: 'TLSv1.2' } as const;
  return new FastifyAdapter({
    serverFactory: (listener: RequestListener): RawServerDefault =>
      new TlsServer({ ...tlsOptions(pki), ...options }, listener),
    bodyLimit: maxBodyBytes,
    // Watches and other streams would hold a stop up forever.
    forceCloseConnections: true,
    exposeHeadRoutes: false,
    routerOptions: { maxParamLength: 512 },
  });
}

/** Serves renewed certificates to new connections; the returned function ends that. */
export function followRenewals(server: Server, pki: Pki): () => void {
  return pki.onRenewed(() => server.setSecureContext(tlsOptions(pki)));
}

/** Answers to writes that take longer are told at the level `info`, in milliseconds. */
const slowMs = 1_000;

/**
 * A line for each answer, without queries, headers and bodies, which may hold secrets: of failures as a warning, of
 * writes that were refused or slow for information, and of all else only where somebody wants to debug.
 */
export function logRequests(fastify: FastifyInstance, logger: Logger): void {
  fastify.addHook('onResponse', (request, reply, done) => {
    const { method } = request;
    const { statusCode: status, elapsedTime } = reply;
    const isNotable = method !== 'GET' && (status >= 400 || elapsedTime >= slowMs);
    const level = status >= 500 ? 'warn' : isNotable ? 'info' : 'debug';
    const [path] = request.url.split('?');
    const fields = { method, path, status, durationMs: Math.round(elapsedTime), from: request.ip };
    logger[level](fields, 'request');
    done();
  });
}
