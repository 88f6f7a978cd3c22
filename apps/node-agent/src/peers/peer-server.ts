import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer, type Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { TLSSocket } from 'node:tls';
import { nodeOfCommonName } from '@gantry/agent-protocol';
import { describeError, type Logger } from '@gantry/base';
import type { ImageStore } from '@gantry/image';
import type { Identity } from '../identity/identity.js';
import type { BlobDesk } from './blob-desk.js';
import { Throttle } from './throttle.js';

export interface PeerServerOptions {
  readonly host: string;
  readonly port: number;
  /** What all peers together get, in bytes per second; 0 is without a bound. */
  readonly bytesPerSecond: number;
  readonly identity: () => Identity;
  readonly images: Pick<ImageStore, 'administration' | 'save'>;
  readonly desk: BlobDesk;
  readonly onServed: (bytes: number) => void;
  readonly logger: Logger;
}

/** Transfers at once; further ones are told to ask elsewhere. */
const maxTransfers = 16;
/** A peer that takes nothing for so long is dropped, in milliseconds. */
const idleMs = 30_000;
/** How often a renewed certificate is looked for, in milliseconds. */
const renewalMs = 60_000;

class Refusal extends Error {
  constructor(
    readonly code: number,
    message: string,
  ) {
    super(message);
  }
}

/**
 * Serves blobs to other nodes of the cluster: GET /v1/blobs/DIGEST?image=NAME (with a range), and whole images at
 * GET /v1/archive?image=NAME. Only certificates of nodes are let in, and each only to what the control plane says.
 */
export class PeerServer {
  private readonly server: Server;
  private readonly throttle: Throttle;
  private readonly renewal: NodeJS.Timeout;
  private used: Identity;
  private transfers = 0;

  constructor(private readonly options: PeerServerOptions) {
    this.throttle = new Throttle(options.bytesPerSecond);
    this.used = options.identity();
    const tls = { requestCert: true, rejectUnauthorized: true, minVersion: 'TLSv1.3' } as const;
    this.server = createServer({ ...tls, ...this.credentials() }, (request, response) => {
      this.serve(request, response).catch((error: unknown) => this.refuse(response, error));
    });
    this.server.setTimeout(idleMs);
    this.renewal = setInterval(() => this.renew(), renewalMs).unref();
  }

  /** Resolves with the port it listens on. */
  listen(): Promise<number> {
    const { host, port } = this.options;
    return new Promise((resolve, reject) => {
      this.server.once('error', (error: NodeJS.ErrnoException) => {
        const hint = `--peer-port ${port} on ${host}: ${error.message}; choose another, or "off"`;
        reject(new Error(hint, { cause: error }));
      });
      this.server.listen(port, host, () => resolve((this.server.address() as AddressInfo).port));
    });
  }

  async close(): Promise<void> {
    clearInterval(this.renewal);
    this.server.closeAllConnections();
    await new Promise<void>((resolve) => this.server.close(() => resolve()));
  }

  private credentials() {
    const { keyPem, certificatePem, caPem } = this.used;
    return { key: keyPem, cert: certificatePem, ca: caPem };
  }

  private renew(): void {
    const current = this.options.identity();
    if (current === this.used) return;
    this.used = current;
    this.server.setSecureContext(this.credentials());
  }

  private async serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const peer = nodeOf(request);
    const url = new URL(request.url ?? '/', 'https://peer');
    const image = url.searchParams.get('image') ?? '';
    if (request.method !== 'GET') throw new Refusal(405, 'only GET is served');
    const refusal = await this.options.desk.refusal(peer, image);
    if (refusal) throw new Refusal(403, refusal);
    if (this.transfers >= maxTransfers) throw new Refusal(503, 'too many transfers; ask another');
    this.transfers += 1;
    try {
      if (url.pathname === '/v1/archive') return await this.archive(response, image);
      return await this.blob(request, response, image, url.pathname.replace('/v1/blobs/', ''));
    } finally {
      this.transfers -= 1;
    }
  }

  private async blob(
    request: IncomingMessage,
    response: ServerResponse,
    image: string,
    digest: string,
  ): Promise<void> {
    const { images, desk } = this.options;
    const path = await images.administration.blobPath(image, digest);
    const size = path === undefined ? undefined : await sizeOf(path);
    if (path === undefined || size === undefined) {
      const has = await images.administration.hasBlob(digest);
      if (!has) desk.report({ gone: [digest] });
      throw new Refusal(404, has ? `${digest} is not of ${image}` : `${digest} is not here`);
    }
    const offset = Number(/^bytes=(\d{1,15})-$/.exec(request.headers.range ?? '')?.[1] ?? 0);
    if (offset > size) throw new Refusal(416, `${digest} has ${size} bytes`);
    const partial = offset > 0 ? { 'content-range': `bytes ${offset}-${size - 1}/${size}` } : {};
    response.writeHead(offset > 0 ? 206 : 200, { 'content-length': size - offset, ...partial });
    if (offset === size) return void response.end();
    await this.send(createReadStream(path, { start: offset }), response);
  }

  private async archive(response: ServerResponse, image: string): Promise<void> {
    const archive = await this.options.images.save([image]);
    response.writeHead(200, { 'content-type': 'application/x-tar' });
    await this.send(Readable.from(archive, { objectMode: false }), response);
  }

  private send(source: Readable, response: ServerResponse): Promise<void> {
    return pipeline(source, this.throttle.stream(this.options.onServed), response);
  }

  private refuse(response: ServerResponse, error: unknown): void {
    const code = error instanceof Refusal ? error.code : 500;
    this.options.logger.info({ code, why: describeError(error) }, 'did not serve a peer');
    // A transfer that has begun can only be cut, so that nobody takes it for the whole.
    if (response.headersSent) return void response.destroy();
    response.writeHead(code, { 'content-type': 'text/plain' });
    response.end(describeError(error));
  }
}

async function sizeOf(path: string): Promise<number | undefined> {
  // It may have been collected since it was looked up.
  return (await stat(path).catch(() => undefined))?.size;
}

function nodeOf(request: IncomingMessage): string {
  const { subject } = (request.socket as TLSSocket).getPeerCertificate();
  const node = nodeOfCommonName([subject?.CN].flat()[0]);
  if (node) return node;
  throw new Refusal(403, 'a certificate of a node of this cluster is needed');
}
