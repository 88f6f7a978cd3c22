import type { RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { kinds } from '@gantry/api';
import { silentLogger, systemClock } from '@gantry/base';
import { ObjectStore, type ObjectStoreOptions } from '@gantry/controller';
import { EmbeddedStore, type Store } from '@gantry/store';
import { fastify, type FastifyInstance } from 'fastify';
import { Registry } from 'prom-client';
import { TlsServer } from '../http/tls-server.js';
import { WatchCaches } from '../watch/watch-caches.js';
import { Api } from '../api.js';
import type { Access } from '../http/access.js';
import type { PeerTls } from '../http/peer-proxy.js';

/** Lets everybody in; what access means is the authentication module's own matter. */
export const openAccess: Access = {
  authenticate: async () => ({ name: 'tester', groups: ['system:masters'] }),
  authorize: async () => undefined,
};

/** The API on a real server and a store in memory. */
export interface ApiFixture extends AsyncDisposable {
  readonly api: Api;
  readonly objects: ObjectStore;
  readonly metrics: Registry;
  /** `http://127.0.0.1:PORT` */
  readonly url: string;
  /** Sends a request; objects go as JSON, and come back parsed. */
  call(
    method: string,
    path: string,
    body?: unknown,
    headers?: Record<string, string>,
  ): Promise<Answer>;
}

// eslint-disable-next-line typescript/no-explicit-any -- specs look into answers freely
export type Json = any;

export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  readonly body: Json;
}

function encode(body: unknown): string | Uint8Array<ArrayBuffer> | undefined {
  if (body === undefined || typeof body === 'string') return body;
  return body instanceof Uint8Array ? Uint8Array.from(body) : JSON.stringify(body);
}

export interface ApiFixtureOptions {
  /** In memory when it is left out; closed with the fixture. */
  readonly store?: Store;
  readonly leaseOf?: ObjectStoreOptions['leaseOf'];
  readonly access?: Access;
  readonly peerTls?: PeerTls;
  /** Serves over TLS. */
  readonly https?: { readonly key: string; readonly cert: string };
}

export async function startApi(options: ApiFixtureOptions = {}): Promise<ApiFixture> {
  const { access = openAccess, peerTls = () => ({}), https } = options;
  const { store = new EmbeddedStore({ progressIntervalMs: 200 }), leaseOf } = options;
  const objects = new ObjectStore(store, { leaseOf });
  const stop = new AbortController();
  const metrics = new Registry();
  const basics = { objects, clock: systemClock, logger: silentLogger, signal: stop.signal };
  const caches = new WatchCaches(basics);
  const api = new Api({ ...basics, caches, kinds, access, metrics, peerTls });
  const serverFactory = (handler: RequestListener) => new TlsServer(https ?? {}, handler);
  const server = (https ? fastify({ serverFactory }) : fastify()) as FastifyInstance;
  await api.install(server);
  await server.listen({ port: 0, host: '127.0.0.1' });
  api.handleUpgrades(server.server);
  const url = `${https ? 'https' : 'http'}://127.0.0.1:${(server.server.address() as AddressInfo).port}`;
  return {
    api,
    objects,
    metrics,
    url,
    async call(method, path, body, headers = {}) {
      const typed = body === undefined ? {} : { 'content-type': 'application/json' };
      const init = { method, headers: { ...typed, ...headers }, body: encode(body) };
      const response = await fetch(url + path, init);
      const text = await response.text();
      const isJson = response.headers.get('content-type')?.startsWith('application/json');
      const parsed: unknown = isJson && text !== '' ? JSON.parse(text) : text;
      return { status: response.status, headers: response.headers, body: parsed };
    },
    async [Symbol.asyncDispose]() {
      stop.abort(new Error('the fixture is closed'));
      await server.close();
      await store.close();
    },
  };
}
