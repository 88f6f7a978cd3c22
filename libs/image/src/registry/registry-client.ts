import { IncomingMessage } from 'node:http';
import type { Readable } from 'node:stream';
import { ImageError } from '../errors.js';
import { digestOf, maxManifestBytes, parseManifest } from '../manifest.js';
import { acceptedManifests, mediaTypes } from '../media-types.js';
import type { Reference } from '../reference.js';
import type { Descriptor, RegistryAuth, RegistryConfig } from '../types.js';
import { type Access, type Action, Authenticator } from './authenticator.js';
import { type Endpoint, endpointsOf, findAuth } from './endpoint.js';
import { answerError, passing } from './failures.js';
import { PassingError, withRetries } from './retry.js';
import {
  type Exchange,
  type HttpRequest,
  type HttpResponse,
  readBody,
  Transport,
} from './transport.js';
import { type BlobReceiver, tlsFailure } from './blob-receiver.js';

export interface RequestOptions {
  readonly auth?: readonly RegistryAuth[];
  readonly signal?: AbortSignal;
  readonly onWait?: (why: string) => void;
}

/** A manifest or index as the registry sent it. */
export interface FetchedManifest {
  readonly bytes: Buffer;
  readonly mediaType: string;
  readonly digest: string;
}

/** A blob on its way; `offset` is where the stream starts, which may be earlier than was asked for. */
export interface BlobStream {
  readonly stream: HttpResponse;
  readonly offset: number;
}

type Call = Pick<HttpRequest, 'method' | 'headers' | 'body'> & { path: string; action?: Action };

/** Speaks the OCI distribution specification 1.1 with registries and their mirrors. */
export class RegistryClient {
  private readonly transport = new Transport();
  private readonly authenticator = new Authenticator(this.transport);

  constructor(private readonly registries: RegistryConfig = {}) {}

  close(): void {
    this.transport.close();
  }

  /** The digest that the tag has now, without fetching; undefined when the registry does not say. */
  async resolve(reference: Reference, options: RequestOptions = {}): Promise<string | undefined> {
    const path = `manifests/${reference.digest ?? reference.tag}`;
    const headers = { accept: acceptedManifests };
    const response = await this.pull(reference, { method: 'HEAD', path, headers }, options);
    response.resume();
    const digest = response.headers['docker-content-digest'];
    return typeof digest === 'string' ? digest : undefined;
  }

  /** The manifest or index that the reference names; a digest is verified. */
  async manifest(reference: Reference, options: RequestOptions = {}): Promise<FetchedManifest> {
    const wanted = reference.digest;
    const path = `manifests/${wanted ?? reference.tag}`;
    const headers = { accept: acceptedManifests };
    return this.everywhere(reference, options, async (endpoint) => {
      const call = { method: 'GET', path, headers } as const;
      const response = await this.call(endpoint, reference, call, options);
      const bytes = await readBody(response, maxManifestBytes).catch((cause) => {
        throw passing(endpoint, cause);
      });
      const digest = digestOf(bytes);
      if (wanted !== undefined && digest !== wanted) {
        const message = `${endpoint.host} sent a manifest with the digest ${digest} for ${wanted}`;
        throw new ImageError('digest-mismatch', message);
      }
      const mediaType = response.headers['content-type']?.split(';')[0]?.trim() ?? '';
      return { bytes, mediaType, digest };
    });
  }

  /** Starts a download at `offset`, trying each endpoint once; the content is the caller's to verify. */
  async blob(
    reference: Reference,
    descriptor: Descriptor,
    offset: number,
    options: RequestOptions = {},
  ): Promise<BlobStream> {
    const headers: Record<string, string> = offset > 0 ? { range: `bytes=${offset}-` } : {};
    return this.once(reference, options, async (endpoint) => {
      const call = { method: 'GET', path: `blobs/${descriptor.digest}`, headers } as const;
      const stream = await this.call(endpoint, reference, call, options, [200, 206]);
      return { stream, offset: startOf(stream, offset) };
    });
  }

  /**
   * Lets the receiver download the blob from where it stands, trying each endpoint once; resolves when what was
   * sent has ended. Registries that the receiver cannot speak TLS with are read here and passed on to it.
   */
  async download(
    reference: Reference,
    descriptor: Descriptor,
    receiver: BlobReceiver,
    options: RequestOptions = {},
  ): Promise<void> {
    const call = { method: 'GET', path: `blobs/${descriptor.digest}` } as const;
    const exchange: Exchange = (request, direct) => receiveOr(receiver, request, direct);
    const response = await this.once(reference, options, (endpoint) =>
      this.call(endpoint, reference, call, options, [200, 206], exchange),
    );
    const { position } = receiver;
    if (!(response instanceof IncomingMessage)) await receiver.flowed(options.signal);
    else await receiver.stream(response, startOf(response, position));
  }

  /** A small blob, whole and verified, e.g. an image's configuration. */
  async smallBlob(
    reference: Reference,
    descriptor: Descriptor,
    options: RequestOptions = {},
  ): Promise<Buffer> {
    return withRetries(
      options.signal,
      async () => {
        const { stream } = await this.blob(reference, descriptor, 0, options);
        const bytes = await readBody(stream, descriptor.size).catch((cause) => {
          if (cause instanceof ImageError) throw cause;
          throw new PassingError('unavailable', 'the download was cut', undefined, { cause });
        });
        if (digestOf(bytes) !== descriptor.digest) {
          const message = `${reference.registry} sent something else for ${descriptor.digest}`;
          throw new ImageError('digest-mismatch', message);
        }
        return bytes;
      },
      options.onWait,
    );
  }

  /**
   * Manifests that refer to the given one (signatures, attestations), also from registries that know them by the
   * specification's fallback tag alone.
   */
  async referrers(
    reference: Reference,
    digest: string,
    options: RequestOptions = {},
  ): Promise<readonly Descriptor[]> {
    const headers = { accept: mediaTypes.ociIndex };
    return this.everywhere(reference, options, async (endpoint) => {
      const call = { method: 'GET', path: `referrers/${digest}`, headers } as const;
      const response = await this.call(endpoint, reference, call, options, [200, 404]);
      if (response.statusCode === 200) return manifestsIn(digest, response);
      response.resume();
      const path = `manifests/${digest.replace(':', '-')}`;
      const tagged = await this.call(endpoint, reference, { ...call, path }, options, [200, 404]);
      if (tagged.statusCode === 200) return manifestsIn(digest, tagged);
      tagged.resume();
      return [];
    });
  }

  /** A single request to the registry itself (no mirrors), for pushing. */
  async push(
    reference: Reference,
    call: Omit<Call, 'action'>,
    accepted: readonly number[],
    options: RequestOptions = {},
  ): Promise<HttpResponse> {
    const endpoint = endpointsOf(reference.registry, this.registries).at(-1)!;
    return this.call(endpoint, reference, { ...call, action: 'pull,push' }, options, accepted);
  }

  private pull(reference: Reference, call: Call, options: RequestOptions): Promise<HttpResponse> {
    return this.everywhere(reference, options, (endpoint) =>
      this.call(endpoint, reference, call, options),
    );
  }

  private everywhere<T>(
    reference: Reference,
    options: RequestOptions,
    ask: (endpoint: Endpoint) => Promise<T>,
  ): Promise<T> {
    const { signal, onWait } = options;
    return withRetries(signal, () => this.once(reference, options, ask), onWait);
  }

  /** Asks one endpoint after the other; the last one's error is the one reported. */
  private async once<T>(
    reference: Reference,
    options: RequestOptions,
    ask: (endpoint: Endpoint) => Promise<T>,
  ): Promise<T> {
    const endpoints = endpointsOf(reference.registry, this.registries);
    for (const endpoint of endpoints.slice(0, -1)) {
      try {
        return await ask(endpoint);
      } catch (error) {
        options.signal?.throwIfAborted();
        options.onWait?.(`mirror ${endpoint.host} failed: ${(error as Error).message}`);
      }
    }
    return ask(endpoints.at(-1)!);
  }

  private async call(
    endpoint: Endpoint,
    reference: Reference,
    call: Call,
    options: RequestOptions,
    accepted: readonly number[] = [200],
    exchange?: Exchange,
  ): Promise<HttpResponse> {
    const repository = [endpoint.prefix, reference.repository].filter(Boolean).join('/');
    const auth = findAuth(endpoint, repository, options.auth ?? [], this.registries);
    const { signal } = options;
    const access: Access = { endpoint, repository, action: call.action ?? 'pull', auth, signal };
    const url = new URL(call.path, `${endpoint.scheme}://${endpoint.host}/v2/${repository}/`);
    // An upload may be sent elsewhere, where the credentials are nobody's business.
    const isOwn = url.host === endpoint.host;
    const send = (authorization: string | undefined) => {
      const headers = { ...call.headers, ...(isOwn && authorization && { authorization }) };
      const { method, body } = call;
      return this.transport.send({ method, url, headers, body, ca: endpoint.ca, signal }, exchange);
    };
    try {
      let response = await send(this.authenticator.cached(access));
      if (response.statusCode === 401) {
        response.resume();
        const challenge = response.headers['www-authenticate'] ?? '';
        rejectStream(call.body);
        response = await send(await this.authenticator.answer(access, challenge));
      }
      if (accepted.includes(response.statusCode ?? 0)) return response;
      throw await answerError(access, reference, response);
    } catch (error) {
      if (signal?.aborted) throw signal.reason;
      throw error instanceof ImageError ? error : passing(endpoint, error);
    }
  }
}

function startOf({ statusCode, headers }: HttpResponse, asked: number): number {
  const range = /^bytes (\d+)-/.exec(headers['content-range'] ?? '');
  return statusCode === 206 ? Number(range?.[1] ?? asked) : 0;
}

/** By the receiver, or by ourselves where its TLS and a registry's do not agree: ours judges all certificates. */
async function receiveOr(
  receiver: BlobReceiver,
  request: HttpRequest,
  direct: (request: HttpRequest) => Promise<HttpResponse>,
): Promise<HttpResponse> {
  try {
    return await receiver.get(request);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== tlsFailure) throw error;
    const { position } = receiver;
    const range = position > 0 && { range: `bytes=${position}-` };
    return direct({ ...request, headers: { ...request.headers, ...range } });
  }
}

/** A body that was read once cannot be sent again after a challenge: ask for access before streaming. */
function rejectStream(body: Uint8Array | Readable | undefined): void {
  if (body === undefined || body instanceof Uint8Array) return;
  throw new PassingError(
    'unavailable',
    'the registry wants authentication in the middle of an upload',
  );
}

async function manifestsIn(digest: string, response: HttpResponse): Promise<readonly Descriptor[]> {
  const what = `the list of what refers to ${digest}`;
  const parsed = parseManifest(what, await readBody(response, maxManifestBytes));
  if ('index' in parsed) return parsed.index.manifests;
  throw new ImageError('invalid-manifest', `${what} is no index`);
}
