import type { IncomingMessage } from 'node:http';
import { request as httpsRequest } from 'node:https';
import type { PeerCertificate } from 'node:tls';
import { nodeCommonName, type Peer__Output } from '@gantry/agent-protocol';
import type { Identity } from '../identity/identity.js';

/** A peer that does not connect, or falls silent, is left for another, in milliseconds. */
const connectMs = 3_000;
const idleMs = 15_000;
const maxReasonBytes = 1024;

/** Asks other nodes, over mTLS: the peer must show the certificate of the very node that is meant. */
export class PeerClient {
  constructor(private readonly identity: () => Identity) {}

  /** The blob from `offset` on, exactly `size - offset` bytes of it; rejects with the peer's refusal. */
  async blob(
    peer: Peer__Output,
    image: string,
    digest: string,
    { offset, size, signal }: { offset: number; size: number; signal?: AbortSignal },
  ): Promise<IncomingMessage> {
    const headers: Record<string, string> = offset > 0 ? { range: `bytes=${offset}-` } : {};
    const path = `/v1/blobs/${digest}?image=${encodeURIComponent(image)}`;
    const response = await this.get(peer, path, headers, signal);
    const length = Number(response.headers['content-length']);
    const isWhole = response.statusCode === (offset > 0 ? 206 : 200) && length === size - offset;
    if (isWhole) return response;
    response.destroy();
    throw new Error(`node ${peer.nodeName} sends ${length} bytes where ${size - offset} are due`);
  }

  /** The image as an archive. */
  archive(peer: Peer__Output, image: string, signal?: AbortSignal): Promise<IncomingMessage> {
    return this.get(peer, `/v1/archive?image=${encodeURIComponent(image)}`, {}, signal);
  }

  private get(
    { nodeName, address }: Peer__Output,
    path: string,
    headers: Record<string, string>,
    signal: AbortSignal | undefined,
  ): Promise<IncomingMessage> {
    const { keyPem, certificatePem, caPem } = this.identity();
    const { hostname, port } = new URL(`https://${address}`);
    const tls = { key: keyPem, cert: certificatePem, ca: caPem, minVersion: 'TLSv1.3' } as const;
    const checkServerIdentity = (_: string, certificate: PeerCertificate) =>
      [certificate.subject.CN].flat()[0] === nodeCommonName(nodeName)
        ? undefined
        : new Error(`${address} is not node ${nodeName}`);
    const host = hostname.replace(/^\[|\]$/g, '');
    const options = { ...tls, host, port, path, headers, signal, agent: false, servername: '' };
    return new Promise((resolve, reject) => {
      const request = httpsRequest({ ...options, checkServerIdentity }, (response) => {
        request.setTimeout(idleMs);
        const { statusCode = 0 } = response;
        if (statusCode === 200 || statusCode === 206) resolve(response);
        else void reasonOf(response).then((why) => reject(new Error(`node ${nodeName}: ${why}`)));
      });
      request.setTimeout(connectMs, () => request.destroy(new Error('it does not answer')));
      request.on('error', (cause) => {
        reject(new Error(`node ${nodeName} at ${address}: ${cause.message}`, { cause }));
      });
      request.end();
    });
  }
}

async function reasonOf(response: IncomingMessage): Promise<string> {
  let text = '';
  try {
    for await (const chunk of response as AsyncIterable<Buffer>) {
      text += chunk.toString('utf8');
      if (text.length > maxReasonBytes) break;
    }
  } catch {
    // What has come of the reason will do.
  }
  return `${response.statusCode} ${text.slice(0, maxReasonBytes)}`;
}
