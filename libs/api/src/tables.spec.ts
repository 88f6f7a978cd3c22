import { toTable, type ApiObject, type Kind } from '@gantry/api-machinery';
import { describe, expect, it } from 'vitest';
import { DeploymentKind } from './apps/deployment.js';
import { ReplicaSetKind } from './apps/replica-set.js';
import { EventKind } from './core/event.js';
import { NodeKind } from './core/node.js';
import { podStatusText } from './core/pod-columns.js';
import { PodKind, type Pod } from './core/pod.js';
import type { PodStatus } from './core/pod-status.js';

const nowMs = Date.parse('2026-11-21T12:00:00Z');
const metadata = { name: 'x', namespace: 'default', creationTimestamp: '2026-11-21T11:55:00Z' };

function cells<T extends ApiObject>(kind: Kind<T>, object: object): unknown[] | undefined {
  return toTable(kind, [object as T], { nowMs }).rows[0]?.cells;
}

const container = (name: string) => ({ name, image: `${name}:1` });
const running = { running: { startedAt: '2026-11-21T11:55:10Z' } };
const status = (name: string, state: object, more: object = {}) => ({
  name,
  state,
  ready: 'running' in state,
  restartCount: 0,
  image: '',
  imageID: '',
  ...more,
});

function pod(podStatus: PodStatus, more: object = {}, spec: object = {}): Pod {
  return {
    metadata: { ...metadata, ...more },
    spec: { containers: [container('a'), container('b')], ...spec },
    status: podStatus,
  };
}

describe('tables', () => {
  it('of pods', () => {
    const object = pod(
      {
        phase: 'Running',
        podIP: '10.42.1.2',
        containerStatuses: [
          status('a', running),
          status('b', running, {
            restartCount: 3,
            lastState: { terminated: { exitCode: 1, finishedAt: '2026-11-21T11:58:00Z' } },
          }),
        ],
      },
      {},
      { nodeName: 'n1' },
    );
    expect(cells(PodKind, object)).toEqual([
      'x',
      '2/2',
      'Running',
      '3 (2m ago)',
      '5m',
      '10.42.1.2',
      'n1',
      '<none>',
      '<none>',
    ]);
  });

  it('of deployments and replica sets', () => {
    const template = { metadata: {}, spec: { containers: [container('a'), container('b')] } };
    const spec = { replicas: 3, selector: { matchLabels: { app: 'web' } }, template };
    const deployment = {
      metadata,
      spec,
      status: { readyReplicas: 2, updatedReplicas: 1, availableReplicas: 2 },
    };
    expect(cells(DeploymentKind, deployment)).toEqual([
      'x',
      '2/3',
      1,
      2,
      '5m',
      'a,b',
      'a:1,b:1',
      'app=web',
    ]);
    expect(
      cells(ReplicaSetKind, { metadata, spec, status: { replicas: 3, readyReplicas: 1 } }),
    ).toEqual(['x', 3, 3, 1, '5m', 'a,b', 'a:1,b:1', 'app=web']);
  });

  it('of nodes', () => {
    const node = {
      metadata: { ...metadata, labels: { 'node-role.kubernetes.io/worker': '' } },
      spec: { unschedulable: true },
      status: {
        conditions: [{ type: 'Ready', status: 'True' }],
        addresses: [{ type: 'InternalIP', address: '10.0.0.1' }],
        nodeInfo: {
          kubeletVersion: 'v0.1.0',
          osImage: 'Debian',
          kernelVersion: '6.18',
          containerRuntimeVersion: 'gantry://0.1.0',
        },
      },
    };
    expect(cells(NodeKind, node)).toEqual([
      'x',
      'Ready,SchedulingDisabled',
      'worker',
      '5m',
      'v0.1.0',
      '10.0.0.1',
      '<none>',
      'Debian',
      '6.18',
      'gantry://0.1.0',
    ]);
    expect(cells(NodeKind, { metadata, spec: {} })?.[1]).toBe('Unknown');
  });

  it('of events, definitions and rows in step', () => {
    const event = {
      metadata,
      involvedObject: { kind: 'Pod', name: 'p' },
      type: 'Warning',
      reason: 'BackOff',
      message: 'restarting\n',
      firstTimestamp: '2026-11-21T11:00:00Z',
      lastTimestamp: '2026-11-21T11:59:30Z',
      count: 7,
      source: { component: 'agent', host: 'n1' },
    };
    const table = toTable(EventKind, [event], { nowMs });
    expect(table.rows[0]?.cells).toEqual([
      '30s',
      'Warning',
      'BackOff',
      'pod/p',
      '',
      'agent, n1',
      'restarting',
      '60m',
      7,
      'x',
    ]);
    expect(table.columnDefinitions).toHaveLength(10);
    expect(table.rows[0]?.object).toEqual({
      kind: 'PartialObjectMetadata',
      apiVersion: 'meta.k8s.io/v1',
      metadata,
    });
  });
});

describe('the status of a pod', () => {
  const init = { initContainers: [container('i'), container('j')] };
  it.each<[string, Pod]>([
    ['Pending', pod({})],
    [
      'ImagePullBackOff',
      pod({
        phase: 'Pending',
        containerStatuses: [status('a', { waiting: { reason: 'ImagePullBackOff' } })],
      }),
    ],
    [
      'OOMKilled',
      pod({
        phase: 'Failed',
        containerStatuses: [status('a', { terminated: { exitCode: 137, reason: 'OOMKilled' } })],
      }),
    ],
    [
      'ExitCode:3',
      pod({ phase: 'Failed', containerStatuses: [status('a', { terminated: { exitCode: 3 } })] }),
    ],
    [
      'Signal:9',
      pod({
        phase: 'Failed',
        containerStatuses: [status('a', { terminated: { exitCode: 137, signal: 9 } })],
      }),
    ],
    [
      'NotReady',
      pod({
        phase: 'Running',
        containerStatuses: [
          status('a', { terminated: { exitCode: 0, reason: 'Completed' } }),
          status('b', running),
        ],
      }),
    ],
    [
      'Init:0/2',
      pod({ phase: 'Pending', initContainerStatuses: [status('i', running)] }, {}, init),
    ],
    [
      'Init:1/2',
      pod(
        {
          phase: 'Pending',
          initContainerStatuses: [
            status('i', { terminated: { exitCode: 0 } }),
            status('j', running),
          ],
        },
        {},
        init,
      ),
    ],
    [
      'Init:Error',
      pod(
        {
          phase: 'Pending',
          initContainerStatuses: [status('i', { terminated: { exitCode: 1, reason: 'Error' } })],
        },
        {},
        init,
      ),
    ],
    ['Terminating', pod({ phase: 'Running' }, { deletionTimestamp: '2026-11-21T11:59:00Z' })],
    [
      'Completed',
      pod(
        { phase: 'Succeeded', reason: 'Completed' },
        { deletionTimestamp: '2026-11-21T11:59:00Z' },
      ),
    ],
    ['Evicted', pod({ phase: 'Failed', reason: 'Evicted' })],
  ])('is %s', (expected, object) => expect(podStatusText(object)).toBe(expected));
});
