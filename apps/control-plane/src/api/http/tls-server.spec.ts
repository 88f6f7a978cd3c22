import { once } from 'node:events';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { constants } from 'node:http2';
import { mkdtemp, rm } from 'node:fs/promises';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect } from 'node:tls';
import { systemClock } from '@gantry/base';
import { afterEach, beforeEach, expect, onTestFinished, test } from 'vitest';
import { Pki } from '../../auth/pki.js';
import { answerOf, headersOf, Http2Client } from '../testing/http2-client.js';
import { frame, frameTypes, headerBlock, preface } from '../testing/http2-frames.js';
import type { ClientPatience } from './http2-sessions.js';
import { TlsServer } from './tls-server.js';

let directory: string;
let pki: Pki;
let server: TlsServer;
/** So long that nothing a test does is cut off by it. */
const longMs = 60_000;

/** Answers begin at once, and end at once but for `/watch`. */
function serve(request: IncomingMessage, response: ServerResponse): void {
  response.writeHead(200);
  response.flushHeaders();
  if (request.url !== '/watch') response.end('done');
}

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'gantry-tls-'));
  const options = { tlsSans: [], agentCertificateHours: 24, clock: systemClock };
  pki = await Pki.open({ directory, advertiseAddress: '127.0.0.1', ...options });
});
afterEach(async () => {
  server.closeAllConnections();
  await once(server.close(), 'close');
  await rm(directory, { recursive: true, force: true });
});

async function listen(patience: Partial<ClientPatience>): Promise<void> {
  const { certificatePem: cert, keyPem: key } = pki.serving;
  const whole = { idleMs: longMs, bodyMs: longMs, graceMs: 100, ...patience };
  server = new TlsServer({ cert, key }, serve, whole);
  await once(server.listen(0, '127.0.0.1'), 'listening');
}

const port = () => (server.address() as AddressInfo).port;

async function dial(): Promise<Http2Client> {
  const client = await Http2Client.connect(`https://127.0.0.1:${port()}`, { ca: pki.caPem });
  onTestFinished(() => client.close());
  return client;
}

test('a session without a request is ended', async () => {
  await listen({ idleMs: 100 });
  const client = await dial();
  await once(client.session, 'close');
});

test('a quiet watch goes on for as long as its client is there', async () => {
  await listen({ idleMs: 1_000, graceMs: 10_000 });
  const client = await dial();
  const watch = client.open('GET', '/watch');
  await headersOf(watch);
  for (let asked = 0; asked < 2; asked += 1) await once(client.session, 'ping');
  expect([watch.closed, client.session.closed]).toEqual([false, false]);
  expect((await answerOf(client.open('GET', '/'))).text).toBe('done');
  await client.close();
});

test('a watch whose client does not answer is ended', async () => {
  await listen({ idleMs: 1_000 });
  const tls = { port: port(), host: '127.0.0.1', ca: pki.caPem, ALPNProtocols: ['h2'] };
  const socket = connect({ ...tls, checkServerIdentity: () => undefined });
  onTestFinished(() => void socket.destroy());
  await once(socket.on('error', () => undefined).resume(), 'secureConnect');
  const names = { ':scheme': 'https', ':authority': 'localhost', ':method': 'GET' };
  const request = frame(frameTypes.headers, 0x5, 1, headerBlock({ ...names, ':path': '/watch' }));
  socket.write(Buffer.concat([preface, request]));
  await once(socket, 'close');
});

test('a request whose body does not come is cancelled', async () => {
  await listen({ bodyMs: 100 });
  const client = await dial();
  const post = client.open('POST', '/watch', { 'content-length': '10' });
  post.write('half');
  await once(post, 'close');
  expect(post.rstCode).toBe(constants.NGHTTP2_CANCEL);
});
