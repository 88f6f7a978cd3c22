import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { WebSocket } from 'ws';
import { systemClock } from '@gantry/base';
import { Pki } from '../../auth/pki.js';
import { channel } from '../subresources/channel-socket.js';
import type { SubresourceResponse, UpgradePlan } from '../subresources/registry.js';
import { type ApiFixture, startApi } from '../testing/api-fixture.js';

let directory: string;
let near: ApiFixture;
let far: ApiFixture;
let farAddress: string;

/** Registers pods/log and pods/exec, answered as the given functions say. */
function serve(
  api: ApiFixture,
  log: () => SubresourceResponse,
  exec: (name: string) => UpgradePlan,
): void {
  const kind = { group: '', version: 'v1', plural: 'pods', namespaced: true };
  const handle = async () => log();
  api.api.subresources.register({ kind, name: 'log', verbs: ['get', 'create'], handle });
  const upgrade = async ({ name }: { name: string }) => exec(name);
  api.api.subresources.register({ kind, name: 'exec', verbs: ['get'], handle, upgrade });
}

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'gantry-peer-'));
  const options = {
    directory,
    advertiseAddress: '127.0.0.1',
    tlsSans: [],
    agentCertificateHours: 1,
  };
  const pki = await Pki.open({ ...options, clock: systemClock });
  const { certificatePem: cert, keyPem: key } = pki.serving;
  const peerTls = () => ({ ca: pki.caPem, cert: pki.admin.certificatePem, key: pki.admin.keyPem });
  near = await startApi({ peerTls });
  far = await startApi({ peerTls, https: { cert, key } });
  farAddress = new URL(far.url).host;
  serve(
    near,
    () => ({ peer: farAddress }),
    (name) => ({ peer: name === 'lost' ? '127.0.0.1:1' : farAddress }),
  );
  serve(
    far,
    () => ({ stream: Readable.from(['line 1\n', 'line 2\n']), contentType: 'text/plain' }),
    (name) => {
      if (name === 'circle') return { peer: farAddress };
      return {
        serve: async (socket) => {
          for await (const frame of socket) await socket.send(channel.stdout, frame.payload);
        },
      };
    },
  );
});
afterAll(async () => {
  await near?.[Symbol.asyncDispose]();
  await far?.[Symbol.asyncDispose]();
  await rm(directory, { recursive: true, force: true });
});

const pods = '/api/v1/namespaces/default/pods';
const dial = (name: string) =>
  new WebSocket(`${near.url.replace('http', 'ws')}${pods}/${name}/exec`, ['v5.channel.k8s.io']);

test('passes a request on and streams the answer back', async () => {
  const { status, body, headers } = await near.call('GET', `${pods}/web/log?tailLines=2`);
  expect([status, body]).toEqual([200, 'line 1\nline 2\n']);
  expect(headers.get('content-type')).toBe('text/plain');
});

test('joins a WebSocket with the one of the peer', async () => {
  const socket = dial('web');
  await once(socket, 'open');
  socket.send(Buffer.from([0, ...Buffer.from('through')]));
  const [answer] = (await once(socket, 'message')) as [Buffer];
  expect([answer[0], answer.subarray(1).toString()]).toEqual([channel.stdout, 'through']);
  socket.close();
  await once(socket, 'close');
});

test.each([
  ['lost', 'does not answer'],
  ['circle', 'has just moved'],
])('says so when the session is %s', async (name, text) => {
  const socket = dial(name);
  socket.on('error', () => undefined);
  const [, response] = await once(socket, 'unexpected-response');
  const chunks: Buffer[] = [];
  for await (const chunk of response) chunks.push(chunk as Buffer);
  const status = JSON.parse(Buffer.concat(chunks).toString());
  expect([status.code, status.reason]).toEqual([503, 'ServiceUnavailable']);
  expect(status.message).toContain(text);
});
