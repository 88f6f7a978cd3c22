import { once } from 'node:events';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { WebSocket } from 'ws';
import { GantryError } from '@gantry/base';
import { type ApiFixture, startApi } from '../testing/api-fixture.js';
import { channel, type ChannelSocket } from '../subresources/channel-socket.js';

let api: ApiFixture;

/** Echoes stdin to stdout and ends with a status when stdin is closed. */
async function echo(socket: ChannelSocket): Promise<void> {
  for await (const frame of socket) {
    if (frame.channel === channel.stdin) await socket.send(channel.stdout, frame.payload);
    if (frame.channel === channel.close && frame.payload[0] === channel.stdin) break;
  }
  await socket.send(channel.status, JSON.stringify({ status: 'Success' }));
  socket.close();
}

beforeAll(async () => {
  api = await startApi();
  const kind = { group: '', version: 'v1', plural: 'pods', namespaced: true };
  const handle = async () => ({ json: {} });
  api.api.subresources.register({
    kind,
    name: 'exec',
    verbs: ['create', 'get'],
    handle,
    async upgrade({ name, query }) {
      if (name === 'gone') throw new GantryError('NotFound', 'pods "gone" not found');
      if (query.get('command') === 'fail') throw new Error('a bug');
      return { serve: echo };
    },
  });
  api.api.subresources.register({ kind, name: 'log', verbs: ['get'], handle });
});
afterAll(() => api[Symbol.asyncDispose]());

function dial(path: string, protocols = ['v5.channel.k8s.io', 'v4.channel.k8s.io']): WebSocket {
  const url = `${api.url.replace('http', 'ws')}/api/v1/namespaces/default/pods/${path}`;
  return new WebSocket(url, protocols);
}

/** The Status with which an upgrade was refused. */
async function refusal(socket: WebSocket): Promise<{ code: number; message: string }> {
  socket.on('error', () => undefined);
  const [, response] = await once(socket, 'unexpected-response');
  const chunks: Buffer[] = [];
  for await (const chunk of response) chunks.push(chunk as Buffer);
  return JSON.parse(Buffer.concat(chunks).toString());
}

test('carries channels both ways and ends with a status', async () => {
  const socket = dial('web/exec?command=cat&stdin=true&stdout=true');
  await once(socket, 'open');
  expect(socket.protocol).toBe('v5.channel.k8s.io');
  const received: string[] = [];
  socket.on('message', (data: Buffer) =>
    received.push(`${data[0]} ${data.subarray(1).toString()}`),
  );
  socket.send(Buffer.from([0, ...Buffer.from('hello')]));
  socket.send(Buffer.from([255, 0]));
  const [code] = await once(socket, 'close');
  expect(received).toEqual(['1 hello', '3 {"status":"Success"}']);
  expect(code).toBe(1000);
});

test('carries much without mixing or losing any', async () => {
  const socket = dial('web/exec?command=cat');
  await once(socket, 'open');
  const block = Buffer.alloc(64 * 1024, 'x');
  let received = 0;
  socket.on('message', (data: Buffer) => (received += data[0] === 1 ? data.length - 1 : 0));
  for (let i = 0; i < 200; i++) socket.send(Buffer.concat([Buffer.from([0]), block]));
  socket.send(Buffer.from([255, 0]));
  await once(socket, 'close');
  expect(received).toBe(200 * block.length);
});

test.each([
  ['gone/exec', undefined, 404, 'not found'],
  ['web/exec?command=fail', undefined, 500, 'internal error'],
  ['web/nothing', undefined, 404, 'could not find'],
  ['web/log', undefined, 400, 'not served over WebSockets'],
  ['web/exec', ['v9.channel.k8s.io'], 400, 'v5.channel.k8s.io'],
])('refuses %s with a Status', async (path, protocols, code, text) => {
  const status = await refusal(dial(path, protocols));
  expect(status.code).toBe(code);
  expect(status.message).toContain(text);
});

test('refuses what is no WebSocket and says what to use', async () => {
  const { status, body } = await spdy();
  expect([status, body.message]).toEqual([400, expect.stringContaining('kubectl 1.30 or newer')]);
});

async function spdy(): Promise<{ status: number; body: { message: string } }> {
  const { request } = await import('node:http');
  const headers = { connection: 'Upgrade', upgrade: 'SPDY/3.1' };
  const call = request(`${api.url}/api/v1/namespaces/default/pods/web/exec`, {
    method: 'POST',
    headers,
  });
  call.end();
  const [response] = await once(call, 'response');
  const chunks: Buffer[] = [];
  for await (const chunk of response) chunks.push(chunk as Buffer);
  return { status: response.statusCode, body: JSON.parse(Buffer.concat(chunks).toString()) };
}
