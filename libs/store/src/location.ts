import { badRequest, type Logger } from '@gantry/base';
import { EmbeddedStore } from './embedded/embedded-store.js';
import type { EtcdCredentials } from './etcd/connection.js';
import type { Store } from './store.js';

/** Where the truth lives: a SQLite file, memory, or the members of an etcd. */
export type StoreLocation =
  | { readonly type: 'embedded'; readonly file?: string }
  | { readonly type: 'etcd'; readonly endpoints: readonly string[] };

const forms = 'embedded:FILE, memory or etcd:http://HOST:PORT[,…]';

/** Reads `embedded:FILE`, `memory` or `etcd:URL[,URL…]`; BadRequest says what is wrong. */
export function parseStoreLocation(text: string): StoreLocation {
  if (text === 'memory') return { type: 'embedded' };
  if (text.startsWith('embedded:')) {
    const file = text.slice('embedded:'.length);
    if (file === '') throw badRequest(`store "${text}" names no file: write ${forms}`);
    return { type: 'embedded', file };
  }
  if (!text.startsWith('etcd:')) throw badRequest(`store "${text}" is unknown: write ${forms}`);
  const endpoints = text.slice('etcd:'.length).split(',');
  for (const endpoint of endpoints) checkEndpoint(endpoint, text);
  const secure = endpoints.filter((endpoint) => endpoint.startsWith('https:')).length;
  if (secure !== 0 && secure !== endpoints.length) {
    throw badRequest(`store "${text}" mixes http and https endpoints: use one of them`);
  }
  return { type: 'etcd', endpoints };
}

function checkEndpoint(endpoint: string, text: string): void {
  const url = URL.canParse(endpoint) ? new URL(endpoint) : undefined;
  const good = url && /^https?:$/.test(url.protocol) && url.hostname && url.pathname === '/';
  if (!good) throw badRequest(`store "${text}": "${endpoint}" is not http(s)://HOST:PORT`);
}

/** Opens the store at a location; the caller closes it. Who keeps a file never loads etcd's client. */
export async function openStore(
  location: StoreLocation,
  options: { logger?: Logger; etcdCredentials?: EtcdCredentials } = {},
): Promise<Store> {
  if (location.type === 'embedded') {
    return new EmbeddedStore(location.file === undefined ? {} : { file: location.file });
  }
  const { EtcdStore } = await import('./etcd/etcd-store.js');
  return new EtcdStore({
    endpoints: location.endpoints,
    ...(options.logger ? { logger: options.logger } : {}),
    ...(options.etcdCredentials ? { credentials: options.etcdCredentials } : {}),
  });
}
