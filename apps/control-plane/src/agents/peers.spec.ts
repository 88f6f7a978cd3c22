import { once } from 'node:events';
import { cp, mkdtemp, rm } from 'node:fs/promises';
import { request } from 'node:https';
import { createServer, type AddressInfo, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { credentials, type ClientDuplexStream } from '@grpc/grpc-js';
import {
  loadAgentProtocol,
  type ControlMessage__Output,
  type OpenStream__Output,
} from '@gantry/agent-protocol';
import { NodeKind, PodKind, type Pod } from '@gantry/api';
import { startEtcd, type EtcdServer } from '@gantry/testing';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { WebSocket } from 'ws';
import { channel, Resources } from '../api/index.js';
import { testConfig } from '../config.js';
import { startControlPlane, type ControlPlane } from '../control-plane.js';
import { peerTimeoutMs } from './peer-metrics.js';
import { SessionKeys } from './session-keys.js';

let directory: string;
let etcd: EtcdServer;
let near: ControlPlane;
let far: ControlPlane;
const cleanups: (() => Promise<unknown>)[] = [];
const protocol = loadAgentProtocol();
const encode = (object: unknown) => Buffer.from(JSON.stringify(object));

async function start(name: string): Promise<ControlPlane> {
  const store = { type: 'etcd', endpoints: [etcd.endpoint] } as const;
  const config = testConfig(join(directory, name), { store, identity: name });
  const plane = await startControlPlane(config);
  cleanups.push(() => plane.close());
  return plane;
}

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'gantry-peers-'));
  cleanups.push(() => rm(directory, { recursive: true, force: true }));
  etcd = await startEtcd();
  cleanups.push(() => etcd.stop());
  near = await start('near');
  await cp(join(directory, 'near/pki'), join(directory, 'far/pki'), { recursive: true });
  far = await start('far');
  for (const [node, plane] of [
    ['node-near', near],
    ['node-far', far],
  ] as const) {
    const pod = await createPod(`pod-${node}`, node);
    await connectAgent(node, plane, pod.metadata.uid!);
  }
}, 60_000);

afterAll(async () => {
  while (cleanups.length > 0) await cleanups.pop()!();
}, 30_000);

function createPod(name: string, nodeName: string): Promise<Pod> {
  const containers = [{ name: 'main', image: 'i' }];
  const pod = { apiVersion: 'v1', kind: 'Pod', metadata: { name }, spec: { nodeName, containers } };
  PodKind.setDefaults(pod);
  return near.get(Resources).create(PodKind, 'default', pod);
}

/** An agent that meters, has a log of two lines, and whose exec says back what it is told. */
async function connectAgent(name: string, plane: ControlPlane, podUid: string): Promise<void> {
  const pair = await plane.pki.authority.issue({
    commonName: `system:node:${name}`,
    organizations: ['system:nodes'],
    usage: 'client',
    validMs: 600_000,
  });
  const [ca, key, certificate] = [plane.pki.caPem, pair.keyPem, pair.certificatePem].map((pem) =>
    Buffer.from(pem),
  );
  const tls = credentials.createSsl(ca, key, certificate);
  const client = new protocol.AgentGateway(`127.0.0.1:${plane.gatewayPort}`, tls);
  const session = client.session();
  session.on('error', () => undefined);
  const snapshot = new Promise<void>((resolve) => {
    session.on('data', (message: ControlMessage__Output) => {
      if (message.snapshot) resolve();
      if (message.openStream) serve(client.relay(), message.openStream, name);
    });
  });
  const conditions = [{ type: 'Ready', status: 'True', reason: 'AgentReady', message: '' }];
  const nodeJson = encode({
    metadata: { name, labels: { of: name } },
    spec: {},
    status: { conditions },
  });
  session.write({ hello: { agentVersion: 'test', nodeJson, pods: [], bootId: 'b' } });
  await snapshot;
  let sequence = 0;
  const heart = setInterval(() => {
    sequence += 1;
    const used = { cpuUsageNanos: sequence * 1e8, memoryWorkingSetBytes: 2 ** 20 };
    const pods = [{ uid: podUid, containers: [{ name: 'main', ...used }] }];
    session.write({ heartbeat: { sequence, node: used, pods } });
  }, 250);
  cleanups.push(async () => {
    clearInterval(heart);
    session.cancel();
    client.close();
  });
}

type Relay = ClientDuplexStream<object, { channel: number; payload: Buffer }>;

function serve(relay: Relay, order: OpenStream__Output, node: string): void {
  const send = (to: number, text: string) =>
    relay.write({ channel: to, payload: Buffer.from(text) });
  const end = () => {
    send(channel.status, JSON.stringify({ metadata: {}, status: 'Success' }));
    relay.end();
  };
  relay.on('error', () => undefined);
  relay.write({ streamId: order.streamId });
  if (order.log) {
    for (const line of ['first', 'second']) send(channel.stdout, `${line} of ${node}\n`);
    end();
  }
  relay.on('data', ({ payload }: { payload: Buffer }) => {
    send(channel.stdout, `${order.exec!.command.join(' ')}: ${payload.toString()}`);
    end();
  });
}

interface Answer {
  readonly status: number;
  readonly body: string;
  readonly warning: string | undefined;
}

function tlsOf(plane: ControlPlane) {
  const { certificatePem: cert, keyPem: key } = plane.pki.admin;
  return { ca: plane.pki.caPem, cert, key };
}

function get(plane: ControlPlane, path: string): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const call = request(`${plane.apiUrl}${path}`, { ...tlsOf(plane), agent: false });
    call.on('error', reject).on('response', (response) => {
      let body = '';
      response.on('data', (chunk: Buffer) => (body += chunk.toString()));
      response.on('end', () => {
        const { warning } = response.headers as { warning?: string };
        resolve({ status: response.statusCode ?? 0, body, warning });
      });
    });
    call.end();
  });
}

const metrics = '/apis/metrics.k8s.io/v1beta1';
const names = ({ body }: Answer): string[] =>
  JSON.parse(body)
    .items.map((item: { metadata: { name: string } }) => item.metadata.name)
    .sort();
const both = (kind: 'node' | 'pod') =>
  ['node-far', 'node-near'].map((node) => (kind === 'node' ? node : `pod-${node}`));

describe('what the other control plane has metered', () => {
  test.each(['near', 'far'] as const)('is listed with our own by %s', async (which) => {
    const plane = which === 'near' ? near : far;
    const nodes = async () => names(await get(plane, `${metrics}/nodes`));
    await expect.poll(nodes, { timeout: 15_000 }).toEqual(both('node'));
    const pods = async () => names(await get(plane, `${metrics}/namespaces/default/pods`));
    await expect.poll(pods, { timeout: 15_000 }).toEqual(both('pod'));
    expect(names(await get(plane, `${metrics}/nodes?labelSelector=of%3Dnode-far`))).toEqual([
      'node-far',
    ]);
    const { body, warning } = await get(plane, `${metrics}/pods`);
    expect(warning).toBeUndefined();
    for (const { containers } of JSON.parse(body).items) {
      expect(containers).toEqual([
        { name: 'main', usage: { cpu: expect.stringMatching(/^\d{8,9}n$/), memory: '1024Ki' } },
      ]);
    }
  });

  test('can be had by name, and what nobody has metered is not found', async () => {
    const one = await get(near, `${metrics}/nodes/node-far`);
    expect(JSON.parse(one.body)).toMatchObject({ kind: 'NodeMetrics' });
    const pod = await get(near, `${metrics}/namespaces/default/pods/pod-node-far`);
    expect(JSON.parse(pod.body)).toMatchObject({ kind: 'PodMetrics' });
    expect((await get(near, `${metrics}/nodes/nowhere`)).status).toBe(404);
  });

  test('is left out with a warning while its holder is silent', async () => {
    const silent = await silentServer();
    const keys = new SessionKeys(near.store, { warn() {} } as never);
    try {
      await near.get(Resources).create(NodeKind, undefined, {
        metadata: { name: 'ghost' },
        spec: {},
      });
      const address = `127.0.0.1:${(silent.address() as AddressInfo).port}`;
      await keys.put('ghost', { controlPlane: 'silent', address, since: 'now' });
      const startedAt = performance.now();
      const answer = await get(near, `${metrics}/nodes`);
      const tookMs = performance.now() - startedAt;
      expect(names(answer)).toEqual(both('node'));
      expect(answer.warning).toContain('no metrics of ghost: their control plane at');
      expect(tookMs).toBeGreaterThan(peerTimeoutMs - 100);
      expect(tookMs).toBeLessThan(peerTimeoutMs + 3_000);
      expect((await get(near, `${metrics}/nodes/node-far`)).warning).toBeUndefined();
      expect(await get(near, `${metrics}/nodes/ghost`)).toMatchObject({ status: 503 });
    } finally {
      await keys.close();
      silent.close();
    }
  }, 30_000);
});

/** Takes connections and never says a word. */
async function silentServer(): Promise<Server> {
  const server = createServer((socket) => socket.on('error', () => undefined));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return server;
}

describe("a pod whose node's session is with the other control plane", () => {
  const pods = '/api/v1/namespaces/default/pods';

  test('shows its log', async () => {
    const { status, body } = await get(near, `${pods}/pod-node-far/log`);
    expect([status, body]).toEqual([200, 'first of node-far\nsecond of node-far\n']);
    expect((await get(far, `${pods}/pod-node-near/log`)).body).toContain('first of node-near');
  });

  test('runs commands', async () => {
    const url = `${near.apiUrl.replace('https', 'wss')}${pods}/pod-node-far/exec`;
    const query = '?command=echo&command=hi&stdin=true&stdout=true';
    const socket = new WebSocket(url + query, ['v5.channel.k8s.io'], tlsOf(near));
    const said = new Map<number, string>();
    socket.on('message', (data: Buffer) => said.set(data[0]!, data.subarray(1).toString()));
    await once(socket, 'open');
    socket.send(Buffer.from([channel.stdin, ...Buffer.from('through')]));
    await once(socket, 'close');
    expect(said.get(channel.stdout)).toBe('echo hi: through');
    expect(JSON.parse(said.get(channel.status)!)).toMatchObject({ status: 'Success' });
  });
});
