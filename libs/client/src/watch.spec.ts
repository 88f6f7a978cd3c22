import { ConfigMapKind, type ConfigMap } from '@gantry/api';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ApiClient } from './api-client.js';
import { cut, FaultyServer, json, type Handler } from './testing/faulty-server.js';
import { makeTestCertificates } from './testing/test-certificates.js';
import { follow, watch, type Change } from './watch.js';

let server: FaultyServer;
let client: ApiClient;

beforeAll(async () => {
  server = await FaultyServer.start(makeTestCertificates());
  client = new ApiClient(server.cluster, { attempts: 2, timeoutMs: 2_000 });
});

afterAll(async () => {
  client.close();
  await server.close();
});

const item = (name: string, resourceVersion: string) => ({
  metadata: { name, uid: name, resourceVersion },
});
const event = (type: string, name: string, version: string) =>
  `${JSON.stringify({ type, object: item(name, version) })}\n`;

/** Sends pieces, then cuts the connection or, with `end`, ends it well. */
const stream =
  (pieces: readonly string[], end = false): Handler =>
  (request, response) => {
    response.writeHead(200, { 'content-type': 'application/json' });
    for (const piece of pieces) response.write(piece);
    if (end) response.end();
    else setImmediate(() => setTimeout(() => request.socket.destroy(), 20));
  };

const hold: Handler = (_, response) => {
  response.writeHead(200, { 'content-type': 'application/json' });
  response.flushHeaders();
};

async function take(
  changes: AsyncIterable<Change<ConfigMap>>,
  count: number,
  abort: AbortController,
): Promise<string[]> {
  const seen: string[] = [];
  for await (const { type, object } of changes) {
    seen.push(`${type} ${object.metadata.name} ${object.metadata.resourceVersion}`);
    if (seen.length === count) abort.abort();
  }
  return seen;
}

const expired = {
  type: 'ERROR',
  object: { kind: 'Status', status: 'Failure', code: 410, reason: 'Expired', message: 'too old' },
};

describe('watch', () => {
  it('goes on after cuts, also in the middle of a line, where it stopped', async () => {
    const whole = event('MODIFIED', 'a', '12');
    server.reset(
      stream([event('ADDED', 'a', '11'), whole.slice(0, 20)]),
      cut,
      stream([whole, event('BOOKMARK', '', '15')], true),
      stream([event('DELETED', 'a', '16')]),
      hold,
    );
    const abort = new AbortController();
    const changes = watch(client, ConfigMapKind, '10', { namespace: 'n', signal: abort.signal });
    expect(await take(changes, 3, abort)).toEqual(['ADDED a 11', 'MODIFIED a 12', 'DELETED a 16']);
    const versions = server.requests.map((request) => /resourceVersion=(\d+)/.exec(request)?.[1]);
    expect(versions).toEqual(['10', '11', '11', '15']);
  });

  it('tells when history is gone, and does not hide refusals', async () => {
    const { signal } = new AbortController();
    server.reset(stream([`${JSON.stringify(expired)}\n`]));
    const lost = watch(client, ConfigMapKind, '1', { signal });
    await expect(lost.next()).rejects.toMatchObject({ reason: 'Expired' });
    server.reset(json({ kind: 'Status', code: 403, reason: 'Forbidden', message: 'no' }, 403));
    const refused = watch(client, ConfigMapKind, '1', { signal });
    await expect(refused.next()).rejects.toMatchObject({ reason: 'Forbidden' });
  });
});

describe('follow', () => {
  it('lists, watches, and after lost history tells the differences alone', async () => {
    const list = (version: string, ...items: object[]) =>
      json({ metadata: { resourceVersion: version }, items });
    server.reset(
      list('10', item('a', '1'), item('b', '2'), item('c', '3')),
      stream([event('MODIFIED', 'a', '11'), `${JSON.stringify(expired)}\n`]),
      list('20', item('a', '11'), item('b', '12'), item('d', '13')),
      hold,
    );
    const abort = new AbortController();
    const changes = follow(client, ConfigMapKind, { signal: abort.signal });
    expect(await take(changes, 7, abort)).toEqual([
      'ADDED a 1',
      'ADDED b 2',
      'ADDED c 3',
      'MODIFIED a 11',
      'DELETED c 3',
      'MODIFIED b 12',
      'ADDED d 13',
    ]);
  });
});
