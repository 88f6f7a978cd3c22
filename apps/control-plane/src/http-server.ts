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

/** One line per answer, without queries, headers and bodies: they may hold secrets. */
export function logRequests(fastify: FastifyInstance, logger: Logger): void {
  fastify.addHook('onResponse', async (request, reply) => {
    const { method } = request;
    const [path] = request.url.split('?');
    const durationMs = Math.round(reply.elapsedTime);
    const fields = { method, path, status: reply.statusCode, durationMs, from: request.ip };
    const level = reply.statusCode >= 500 ? 'warn' : method === 'GET' ? 'debug' : 'info';
    logger[level](fields, 'request');
  });
}
