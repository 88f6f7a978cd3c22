import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { constants } from 'node:http2';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect, type TLSSocket } from 'node:tls';
import { afterAll, beforeAll, beforeEach, expect, onTestFinished, test } from 'vitest';
import { answerOf, eventsOf, headersOf, Http2Client } from './api/testing/http2-client.js';
import { frame, frameTypes, headerBlock, preface } from './api/testing/http2-frames.js';
import { WatchCaches } from './api/index.js';
import { testConfig } from './config.js';
import { type ControlPlane, startControlPlane } from './control-plane.js';

let directory: string;
let plane: ControlPlane;
let client: Http2Client;
const maps = '/api/v1/namespaces/default/configmaps';
const merge = { 'content-type': 'application/merge-patch+json' };

async function dial(to = plane, identity: 'admin' | 'nobody' = 'admin'): Promise<Http2Client> {
  const { certificatePem: cert, keyPem: key } = to.pki.admin;
  const made = await Http2Client.connect(to.apiUrl, {
    ca: to.pki.caPem,
    ...(identity === 'admin' && { cert, key }),
  });
  onTestFinished(() => made.close());
  return made;
}

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'gantry-http2-'));
  plane = await startControlPlane(testConfig(directory));
});
beforeEach(async () => {
  client = await dial();
});
afterAll(async () => {
  await plane?.close();
  await rm(directory, { recursive: true, force: true });
});

const pseudo = { ':scheme': 'https', ':authority': 'localhost' };
const cancel = Buffer.from([0, 0, 0, constants.NGHTTP2_CANCEL]);

/** A connection on which the test writes the frames itself. */
async function dialRaw(): Promise<TLSSocket> {
  const { certificatePem: cert, keyPem: key } = plane.pki.admin;
  const tls = { port: plane.apiPort, host: '127.0.0.1', ca: plane.pki.caPem, cert, key };
  const socket = connect({ ...tls, ALPNProtocols: ['h2'], checkServerIdentity: () => undefined });
  onTestFinished(() => void socket.destroy());
  socket.on('error', () => undefined).resume();
  await once(socket, 'secureConnect');
  return socket;
}

const map = (name: string, data = {}) => ({ metadata: { name }, data });

test('one connection lists, watches, creates, patches and deletes', async () => {
  const listed = await client.call('GET', maps);
  expect([listed.status, listed.body.kind]).toEqual([200, 'ConfigMapList']);
  const from = listed.body.metadata.resourceVersion;
  const watch = client.open('GET', `${maps}?watch=1&resourceVersion=${from}`);
  const created = await client.call('POST', maps, map('one'));
  expect([created.status, created.headers.connection]).toEqual([201, undefined]);
  expect((await client.call('PATCH', `${maps}/one`, { data: { a: 'b' } }, merge)).status).toBe(200);
  expect((await client.call('DELETE', `${maps}/one`, {})).body.status).toBe('Success');
  const events = eventsOf(watch);
  const types: string[] = [];
  while (types.length < 3) types.push((await events.next()).value.type);
  expect(types).toEqual(['ADDED', 'MODIFIED', 'DELETED']);
  watch.close();
});

test('many requests at once are answered each for itself', async () => {
  expect(client.session.remoteSettings.maxConcurrentStreams).toBe(250);
  const names = Array.from({ length: 400 }, (_, i) => `many-${i}`);
  const answers = await Promise.all(names.map((name) => client.call('POST', maps, map(name))));
  expect(answers.map(({ status, body }) => `${status} ${body.metadata.name}`)).toEqual(
    names.map((name) => `201 ${name}`),
  );
});

test.each([
  ['GET', `${maps}/none`, 404, 'NotFound'],
  ['PUT', maps, 405, 'MethodNotAllowed'],
  ['POST', maps, 400, 'BadRequest'],
])('%s %s fails with a Status', async (method, path, code, reason) => {
  const { status, body } = await client.call(method, path, Buffer.alloc(0));
  expect([status, body.kind, body.reason]).toEqual([code, 'Status', reason]);
});

test('HEAD has headers alone, and documents that did not change have no body', async () => {
  const head = await answerOf(client.open('HEAD', '/version'));
  expect([head.status, head.text]).toEqual([200, '']);
  expect(Number(head.headers['content-length'])).toBeGreaterThan(0);
  const { headers } = await client.call('GET', '/openapi/v2');
  const again = { 'if-none-match': String(headers.etag) };
  expect(await client.call('GET', '/openapi/v2', undefined, again)).toMatchObject({
    status: 304,
    text: '',
  });
  expect((await answerOf(client.open('HEAD', '/nothing'))).status).toBe(404);
  expect((await client.call('GET', '/livez')).text).toBe('ok');
});

test('nobody without a certificate gets anything, nor has a body read', async () => {
  const stranger = await dial(plane, 'nobody');
  const post = stranger.open('POST', maps, { 'content-length': '1000000' });
  expect((await headersOf(post))[':status']).toBe(401);
  expect((await stranger.call('GET', '/livez')).text).toBe('ok');
  const get = await stranger.call('GET', maps);
  expect([get.status, get.body.reason]).toEqual([401, 'Unauthorized']);
});

test('a body that is too large is refused, and the connection goes on', async () => {
  const { status, body } = await client.call('POST', maps, Buffer.alloc(4 * 1024 * 1024, ' '));
  expect([status, body.reason]).toEqual([413, 'RequestEntityTooLarge']);
  expect((await client.call('GET', '/version')).status).toBe(200);
});

test('half a body that is taken back changes nothing', async () => {
  await client.call('POST', maps, map('half', { kept: 'yes' }));
  const text = 'apiVersion: v1\nkind: ConfigMap\nmetadata: {name: half}\ndata:\n  kept: no-';
  const path = `${maps}/half?fieldManager=half&force=true`;
  const apply = { 'content-type': 'application/apply-patch+yaml' };
  const head = headerBlock({ ...pseudo, ':method': 'PATCH', ':path': path, ...apply });
  const socket = await dialRaw();
  const frames = [
    frame(frameTypes.headers, 0x4, 1, head),
    frame(frameTypes.data, 0, 1, Buffer.from(text)),
  ];
  socket.write(Buffer.concat([preface, ...frames, frame(frameTypes.reset, 0, 1, cancel)]));
  // The answer to a second request shows that the first has been dealt with.
  const next = headerBlock({ ...pseudo, ':method': 'GET', ':path': '/version' });
  socket.write(frame(frameTypes.headers, 0x5, 3, next));
  const answered = (bytes: Buffer) => bytes.includes('gitVersion');
  for (let seen = Buffer.alloc(0); !answered(seen);) {
    seen = Buffer.concat([seen, ...((await once(socket, 'data')) as Buffer[])]);
  }
  await client.call('PATCH', `${maps}/half`, { data: { later: 'yes' } }, merge);
  const { body } = await client.call('GET', `${maps}/half`);
  expect(body.data).toEqual({ kept: 'yes', later: 'yes' });
});

test('a watch that is hung up is forgotten', async () => {
  const watchers = () =>
    plane
      .get(WatchCaches)
      .watchers()
      .find(({ kind }) => kind === 'LimitRange' || kind === 'Secret')?.count ?? 0;
  const before = watchers();
  const watches = Array.from({ length: 20 }, () =>
    client.open('GET', '/api/v1/namespaces/default/secrets?watch=1'),
  );
  await Promise.all(watches.map(headersOf));
  expect(watchers()).toBe(before + 20);
  for (const watch of watches.slice(0, 10)) watch.close(constants.NGHTTP2_CANCEL);
  await expect.poll(watchers).toBe(before + 10);
  await client.close();
  await expect.poll(watchers).toBe(before);
});

test('an answer that nobody reads holds no other up', async () => {
  const data = { text: 'x'.repeat(900_000) };
  for (let i = 0; i < 16; i++) await client.call('POST', maps, map(`large-${i}`, data));
  const unread = client.open('GET', maps);
  await headersOf(unread);
  const others = await Promise.all(
    Array.from({ length: 50 }, () => client.call('GET', `${maps}/large-0`)),
  );
  expect(others.every(({ status }) => status === 200)).toBe(true);
  expect((await answerOfUnread(unread)).length).toBeGreaterThan(16 * 900_000);
});

async function answerOfUnread(stream: AsyncIterable<Buffer>): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of stream) chunks.push(chunk);
  return Buffer.concat(chunks);
}

test('who takes back request after request is cut off, alone', async () => {
  const socket = await dialRaw();
  const closed = once(socket, 'close');
  const request = headerBlock({ ...pseudo, ':method': 'GET', ':path': '/version' });
  const flood = Array.from({ length: 5_000 }, (_, i) => [
    frame(frameTypes.headers, 0x5, 2 * i + 1, request),
    frame(frameTypes.reset, 0, 2 * i + 1, cancel),
  ]);
  socket.write(Buffer.concat([preface, ...flood.flat()]));
  await closed;
  expect((await client.call('GET', '/version')).status).toBe(200);
});

test('headers without end are refused, and the connection goes on', async () => {
  const headers = Object.fromEntries(
    Array.from({ length: 40 }, (_, i) => [`x-${i}`, 'y'.repeat(2_000)]),
  );
  await expect(client.call('GET', '/version', undefined, headers)).rejects.toThrow();
  const fresh = await dial();
  expect((await fresh.call('GET', '/version')).status).toBe(200);
});

test('a stop ends idle connections and those with watches', async () => {
  const own = await mkdtemp(join(tmpdir(), 'gantry-http2-stop-'));
  onTestFinished(() => rm(own, { recursive: true, force: true }));
  const stopping = await startControlPlane(testConfig(own));
  onTestFinished(() => stopping.close());
  const [idle, watching] = [await dial(stopping), await dial(stopping)];
  const told = [idle, watching].map(({ session }) => once(session, 'goaway'));
  const closed = [idle, watching].map(({ session }) => once(session, 'close'));
  const watch = watching.open('GET', `${maps}?watch=1`);
  await headersOf(watch);
  const ended = answerOf(watch).catch(() => undefined);
  await stopping.close();
  expect((await Promise.all(told)).map(([code]) => code)).toEqual([0, 0]);
  await Promise.all([...closed, ended]);
});
