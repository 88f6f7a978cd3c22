import { credentials, status as grpcStatus, type ServiceError } from '@grpc/grpc-js';
import {
  loadAgentProtocol,
  type AgentMessage,
  type ControlMessage__Output,
} from '@gantry/agent-protocol';
import { ConfigMapKind, EventKind, NodeKind, PodKind, type Pod } from '@gantry/api';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { Resources } from '../api/index.js';
import { testConfig } from '../config.js';
import { startControlPlane, type ControlPlane } from '../control-plane.js';
import { mergePodStatus } from './pod-status-writer.js';
import { SessionKeys } from './session-keys.js';

let directory: string;
let plane: ControlPlane;
let resources: Resources;
const protocol = loadAgentProtocol();
const open: (() => void)[] = [];

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'gantry-agents-'));
  plane = await startControlPlane(testConfig(directory));
  resources = plane.get(Resources);
});

afterEach(() => {
  for (const close of open.splice(0)) close();
});

afterAll(async () => {
  await plane?.close();
  await rm(directory, { recursive: true, force: true });
});

/** One agent's stream, without an agent: what it was told, and the error that ended it. */
class Stream {
  readonly told: ControlMessage__Output[] = [];
  ended: ServiceError | undefined;
  private readonly call;

  constructor(client: InstanceType<typeof protocol.AgentGateway>) {
    this.call = client.session();
    this.call.on('data', (message: ControlMessage__Output) => this.told.push(message));
    this.call.on('error', (error: ServiceError) => (this.ended = error));
    open.push(() => this.call.cancel());
  }

  send(message: AgentMessage): void {
    this.call.write(message);
  }

  hello(name: string): void {
    const node = { apiVersion: 'v1', kind: 'Node', metadata: { name }, spec: {}, status: ready() };
    this.send({ hello: { agentVersion: 'test', nodeJson: encode(node), bootId: 'b' } });
  }

  of<K extends keyof ControlMessage__Output>(kind: K): NonNullable<ControlMessage__Output[K]>[] {
    return this.told.map((message) => message[kind]).filter((one) => one != null);
  }
}

const encode = (object: unknown) => Buffer.from(JSON.stringify(object));

function ready() {
  const offers = { cpu: '4', memory: '8Gi', pods: '110' };
  const conditions = [{ type: 'Ready', status: 'True', reason: 'AgentReady', message: '' }];
  const addresses = [{ type: 'InternalIP', address: '10.99.0.1' }];
  return { capacity: offers, allocatable: offers, conditions, addresses };
}

async function clientOf(commonName: string | undefined) {
  const ca = Buffer.from(plane.pki.caPem);
  const request = { organizations: ['system:nodes'], usage: 'client', validMs: 60_000 } as const;
  const pair = commonName && (await plane.pki.authority.issue({ commonName, ...request }));
  const own = pair
    ? credentials.createSsl(ca, Buffer.from(pair.keyPem), Buffer.from(pair.certificatePem))
    : credentials.createSsl(ca);
  const client = new protocol.AgentGateway(`127.0.0.1:${plane.gatewayPort}`, own);
  open.push(() => client.close());
  return client;
}

async function connect(name: string): Promise<Stream> {
  const stream = new Stream(await clientOf(`system:node:${name}`));
  stream.hello(name);
  await expect.poll(() => stream.of('snapshot')).toHaveLength(1);
  return stream;
}

async function createPod(name: string, nodeName: string): Promise<Pod> {
  const containers = [{ name: 'a', image: 'i', envFrom: [{ configMapRef: { name: 'cm' } }] }];
  const pod = { apiVersion: 'v1', kind: 'Pod', metadata: { name }, spec: { nodeName, containers } };
  PodKind.setDefaults(pod);
  return resources.create(PodKind, 'default', pod);
}

describe('who may speak', () => {
  test.each([
    ['nobody', undefined, grpcStatus.UNAUTHENTICATED],
    ['no node', 'kubernetes-admin', grpcStatus.UNAUTHENTICATED],
    ['another node', 'system:node:other', grpcStatus.PERMISSION_DENIED],
  ])('%s is refused', async (_, commonName, code) => {
    const stream = new Stream(await clientOf(commonName));
    stream.hello('mine');
    await expect.poll(() => stream.ended?.code).toBe(code);
    expect(await resources.find(NodeKind, undefined, 'mine')).toBeUndefined();
  });
});

describe('a session', () => {
  test('registers the node and holds its key', async () => {
    const stream = await connect('one');
    expect(stream.told.map((message) => message.message).slice(0, 2)).toEqual([
      'registered',
      'snapshot',
    ]);
    const node = await resources.get(NodeKind, undefined, 'one');
    expect(node.status!.conditions).toContainEqual(
      expect.objectContaining({ type: 'Ready', status: 'True' }),
    );
    const keys = new SessionKeys(plane.store, { warn() {} } as never);
    await expect.poll(() => keys.find('one')).toMatchObject({ controlPlane: 'test' });
    open.splice(0).forEach((close) => close());
    await expect.poll(() => keys.find('one')).toBeUndefined();
  });

  test('tells assignments after what they refer to, changes, and releases', async () => {
    await connect('two');
    const data = (color: string) => ({
      apiVersion: 'v1',
      kind: 'ConfigMap',
      metadata: { name: 'cm' },
      data: { color },
    });
    await resources.create(ConfigMapKind, 'default', data('blue'));
    const stream = await connect('two');
    const pod = await createPod('told', 'two');
    await expect.poll(() => stream.of('assign')).toHaveLength(1);
    const kinds = stream.told.map((message) => message.message);
    expect(kinds.indexOf('resource')).toBeLessThan(kinds.indexOf('assign'));
    await resources.update(ConfigMapKind, {
      ...data('red'),
      metadata: { name: 'cm', namespace: 'default' },
    });
    await expect.poll(() => stream.of('resource').at(-1)?.objectJson.toString()).toContain('red');
    await resources.delete(PodKind, 'default', 'told', { gracePeriodSeconds: 0 });
    await expect.poll(() => stream.of('release')[0]?.pod?.uid).toBe(pod.metadata.uid);
  });

  test('tells that a pod ends also when its claim is gone', async () => {
    const stream = await connect('eight');
    const volumes = [{ name: 'v', persistentVolumeClaim: { claimName: 'lost' } }];
    const containers = [{ name: 'a', image: 'i' }];
    const spec = { nodeName: 'eight', containers, volumes };
    const pod = { apiVersion: 'v1', kind: 'Pod', metadata: { name: 'claimant' }, spec };
    PodKind.setDefaults(pod);
    await resources.create(PodKind, 'default', pod);
    await createPod('after', 'eight');
    // Orders come in turn, so by now the claimant's would have come too.
    await expect.poll(() => stream.of('assign').at(-1)?.pod?.name).toBe('after');
    expect(stream.of('assign').map((assign) => assign.pod?.name)).toEqual(['after']);
    await resources.delete(PodKind, 'default', 'claimant', { gracePeriodSeconds: 5 });
    await expect.poll(() => stream.of('assign').at(-1)?.pod?.name).toBe('claimant');
    expect(stream.of('assign').at(-1)?.podJson.toString()).toContain('deletionTimestamp');
  });

  test('writes statuses of own pods alone, and removes those that are gone and were deleted', async () => {
    const [own, other] = [await createPod('own', 'three'), await createPod('other', 'four')];
    const stream = await connect('three');
    const report = (pod: Pod, phase: string) => ({
      podStatus: {
        pod: { uid: pod.metadata.uid, namespace: 'default', name: pod.metadata.name },
        statusJson: encode({ phase, conditions: [] }),
      },
    });
    stream.send(report(other, 'Failed'));
    stream.send(report({ ...own, metadata: { ...own.metadata, uid: 'forged' } }, 'Failed'));
    stream.send(report(own, 'Running'));
    const phase = async (name: string) =>
      (await resources.get(PodKind, 'default', name)).status?.phase;
    await expect.poll(() => phase('own')).toBe('Running');
    expect(await phase('other')).not.toBe('Failed');
    const gone = { pod: { uid: own.metadata.uid, namespace: 'default', name: 'own' } };
    await resources.delete(PodKind, 'default', 'own', { gracePeriodSeconds: 5 });
    await expect
      .poll(() => stream.of('assign').at(-1)?.podJson.toString())
      .toContain('deletionTimestamp');
    stream.send({ podGone: gone });
    await expect.poll(() => resources.find(PodKind, 'default', 'own')).toBeUndefined();
  });

  test('takes events of its own node and pods alone', async () => {
    await connect('six');
    const stream = await connect('seven');
    const tell = (object: object, message: string) => {
      const event = { involvedObject: object, type: 'Normal', reason: 'Told', message };
      stream.send({ event: { eventJson: encode(event) } });
    };
    const [own, other] = [await createPod('mine', 'seven'), await createPod('theirs', 'six')];
    const podOf = ({ metadata: { name, namespace, uid } }: Pod) => ({
      kind: 'Pod',
      name,
      namespace,
      uid,
    });
    tell({ kind: 'Node', name: 'six' }, 'other node');
    tell(podOf(other), 'other pod');
    tell({ kind: 'Node', name: 'seven' }, 'own node');
    tell(podOf(own), 'own pod');
    const told = async () => {
      const { items } = await resources.list(EventKind, { namespace: 'default' });
      const mine = items.filter(({ reason }) => reason === 'Told');
      return mine.map(({ message, involvedObject }) => [involvedObject.name, message]).sort();
    };
    await expect.poll(told).toEqual([
      ['mine', 'own pod'],
      ['seven', 'own node'],
    ]);
  });

  test('a second stream of the same node ends the first', async () => {
    const first = await connect('five');
    await connect('five');
    await expect.poll(() => first.ended?.code).toBe(grpcStatus.ABORTED);
  });
});

test('a status keeps what others write, and states only advance', () => {
  const stored = {
    phase: 'Pending' as const,
    qosClass: 'Burstable' as const,
    conditions: [
      { type: 'PodScheduled', status: 'True' as const },
      { type: 'Ready', status: 'False' as const },
    ],
  };
  const pod = { metadata: { name: 'p' }, spec: { containers: [] }, status: stored };
  const told = {
    phase: 'Running' as const,
    conditions: [
      { type: 'Ready', status: 'True' as const },
      { type: 'PodScheduled', status: 'False' as const },
    ],
  };
  expect(mergePodStatus(pod, told)).toMatchObject({
    phase: 'Running',
    qosClass: 'Burstable',
    conditions: [
      { type: 'Ready', status: 'True' },
      { type: 'PodScheduled', status: 'True' },
    ],
  });
  expect(mergePodStatus({ ...pod, status: { phase: 'Failed' } }, told)).toBeUndefined();
});
