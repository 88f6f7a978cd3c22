import type { Readable } from 'node:stream';
import { ImageError } from '../errors.js';
import type { Reference } from '../reference.js';
import type { Descriptor } from '../types.js';
import type { RegistryClient, RequestOptions } from './registry-client.js';
import { withRetries } from './retry.js';
import type { HttpResponse } from './transport.js';

/** A blob to push; `open` may be called again when an attempt failed. */
export interface PushLayer {
  readonly descriptor: Descriptor;
  readonly open: () => Readable | Uint8Array;
  /** A repository of the same registry that has the blob already, to mount it from. */
  readonly mountFrom?: string;
}

const deniedCodes: ReadonlySet<string> = new Set(['unauthorized', 'forbidden', 'not-found']);

/** Pushes by the OCI distribution specification 1.1: blobs that are missing, then the manifest. */
export class Pusher {
  constructor(
    private readonly client: RegistryClient,
    private readonly options: RequestOptions = {},
  ) {}

  /** True when the blob had to be sent; false when the registry had it or could mount it. */
  blob(reference: Reference, layer: PushLayer): Promise<boolean> {
    const { signal, onWait } = this.options;
    return withRetries(signal, () => this.sendBlob(reference, layer), onWait);
  }

  private async sendBlob(reference: Reference, layer: PushLayer): Promise<boolean> {
    const { digest, size } = layer.descriptor;
    if (await this.has(reference, digest)) return false;
    const started = await this.start(reference, layer);
    if (started.statusCode === 201) return false;
    const location = uploadLocation(started, digest);
    const headers = {
      'content-type': 'application/octet-stream',
      'content-length': String(size),
    };
    const body = layer.open();
    await this.send(reference, { method: 'PUT', path: location, headers, body }, [201]);
    return true;
  }

  /** Begins an upload, or has the registry mount the blob (201). */
  private async start(
    reference: Reference,
    { descriptor, mountFrom }: PushLayer,
  ): Promise<HttpResponse> {
    const begin = { method: 'POST', path: 'blobs/uploads/' } as const;
    if (mountFrom === undefined) return this.send(reference, begin, [202]);
    const from = encodeURIComponent(mountFrom);
    const path = `${begin.path}?mount=${descriptor.digest}&from=${from}`;
    try {
      return await this.send(reference, { ...begin, path }, [201, 202]);
    } catch (error) {
      // Who may not read there may still upload here.
      const isDenied = error instanceof ImageError && deniedCodes.has(error.code);
      if (!isDenied) throw error;
      return this.send(reference, begin, [202]);
    }
  }

  /** Puts a manifest or index under the reference's tag (else its digest); returns the digest it now has. */
  async manifest(reference: Reference, bytes: Uint8Array, mediaType: string): Promise<string> {
    const name = reference.tag ?? reference.digest;
    const headers = { 'content-type': mediaType, 'content-length': String(bytes.length) };
    const call = { method: 'PUT', path: `manifests/${name}`, headers, body: bytes } as const;
    const { signal, onWait } = this.options;
    const response = await withRetries(signal, () => this.send(reference, call, [201]), onWait);
    const digest = response.headers['docker-content-digest'];
    return typeof digest === 'string' ? digest : '';
  }

  private async has(reference: Reference, digest: string): Promise<boolean> {
    const call = { method: 'HEAD', path: `blobs/${digest}` } as const;
    const response = await this.send(reference, call, [200, 404]);
    return response.statusCode === 200;
  }

  private async send(
    reference: Reference,
    call: Parameters<RegistryClient['push']>[1],
    accepted: readonly number[],
  ): Promise<HttpResponse> {
    const response = await this.client.push(reference, call, accepted, this.options);
    response.resume();
    return response;
  }
}

/** Where the registry wants the content: absolute or relative, and on its own host only. */
function uploadLocation(response: HttpResponse, digest: string): string {
  const { location } = response.headers;
  if (location === undefined) {
    throw new ImageError('unavailable', 'the registry named no place to upload to');
  }
  const separator = location.includes('?') ? '&' : '?';
  return `${location}${separator}digest=${encodeURIComponent(digest)}`;
}
