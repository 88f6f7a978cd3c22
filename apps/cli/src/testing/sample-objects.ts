import type { Deployment, Event, Node, Pod, ReplicaSet } from '@gantry/api';

const metadata = (name: string) => ({
  name,
  namespace: 'shop',
  uid: `uid-${name}`,
  creationTimestamp: '2026-11-21T11:55:00Z',
  labels: { app: 'web', 'pod-template-hash': 'abc' },
});

export const nowMs = Date.parse('2026-11-21T12:00:00Z');

export const samplePod: Pod = {
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: {
    ...metadata('web-abc-1'),
    annotations: { note: 'a'.repeat(300) },
    ownerReferences: [
      { apiVersion: 'apps/v1', kind: 'ReplicaSet', name: 'web-abc', uid: 'u', controller: true },
    ],
  },
  spec: {
    nodeName: 'n1',
    priority: 0,
    initContainers: [{ name: 'prepare', image: 'tool:1', command: ['sh', '-c', 'true'] }],
    containers: [
      {
        name: 'web',
        image: 'web:1',
        args: ['--port', '80'],
        ports: [{ containerPort: 80, protocol: 'TCP' }],
        env: [
          { name: 'PLAIN', value: 'x' },
          { name: 'NAME', valueFrom: { fieldRef: { fieldPath: 'metadata.name' } } },
          { name: 'PASSWORD', valueFrom: { secretKeyRef: { name: 's', key: 'p' } } },
        ],
        resources: { requests: { cpu: '100m', memory: '64Mi' }, limits: { memory: '128Mi' } },
        livenessProbe: { httpGet: { path: '/', port: 80 }, periodSeconds: 5 },
        volumeMounts: [{ name: 'data', mountPath: '/data', readOnly: true }],
      },
    ],
    volumes: [{ name: 'data', emptyDir: { medium: 'Memory' } }],
    nodeSelector: { disk: 'ssd' },
    tolerations: [{ key: 'gpu', operator: 'Exists', effect: 'NoSchedule' }],
  },
  status: {
    phase: 'Running',
    hostIP: '10.0.0.1',
    podIP: '10.42.1.2',
    startTime: '2026-11-21T11:55:01Z',
    qosClass: 'Burstable',
    conditions: [
      { type: 'PodScheduled', status: 'True' },
      { type: 'Ready', status: 'False', reason: 'ContainersNotReady', message: 'web is not ready' },
    ],
    initContainerStatuses: [
      {
        name: 'prepare',
        ready: true,
        restartCount: 0,
        image: 'tool:1',
        imageID: 'sha256:1',
        state: { terminated: { exitCode: 0, reason: 'Completed' } },
      },
    ],
    containerStatuses: [
      {
        name: 'web',
        ready: false,
        restartCount: 2,
        image: 'web:1',
        imageID: 'sha256:2',
        containerID: 'gantry://c1',
        state: { waiting: { reason: 'CrashLoopBackOff', message: 'back-off 20s' } },
        lastState: {
          terminated: {
            exitCode: 137,
            reason: 'OOMKilled',
            message: 'killed by the kernel: 64 MiB limit reached, peak 64 MiB',
          },
        },
      },
    ],
  },
};

const template = {
  metadata: { labels: { app: 'web' } },
  spec: { containers: [{ name: 'web', image: 'web:2' }] },
};

export const sampleDeployment: Deployment = {
  apiVersion: 'apps/v1',
  kind: 'Deployment',
  metadata: {
    ...metadata('web'),
    generation: 2,
    annotations: { 'deployment.kubernetes.io/revision': '2' },
  },
  spec: {
    replicas: 3,
    selector: { matchLabels: { app: 'web' } },
    strategy: { type: 'RollingUpdate', rollingUpdate: { maxUnavailable: '25%', maxSurge: 1 } },
    template,
  },
  status: {
    observedGeneration: 2,
    replicas: 4,
    updatedReplicas: 1,
    readyReplicas: 3,
    availableReplicas: 3,
    conditions: [{ type: 'Available', status: 'True', reason: 'MinimumReplicasAvailable' }],
  },
};

export const sampleReplicaSets: ReplicaSet[] = [
  { name: 'web-old', revision: '1', replicas: 3 },
  { name: 'web-new', revision: '2', replicas: 1 },
].map(({ name, revision, replicas }) => ({
  apiVersion: 'apps/v1',
  kind: 'ReplicaSet',
  metadata: { ...metadata(name), annotations: { 'deployment.kubernetes.io/revision': revision } },
  spec: { replicas, selector: { matchLabels: { app: 'web' } }, template },
  status: { replicas },
}));

export const sampleNode: Node = {
  apiVersion: 'v1',
  kind: 'Node',
  metadata: { name: 'n1', creationTimestamp: '2026-11-21T11:00:00Z', labels: { disk: 'ssd' } },
  spec: { podCIDR: '10.42.1.0/24', taints: [{ key: 'gpu', value: 'a', effect: 'NoSchedule' }] },
  status: {
    capacity: { cpu: '2', memory: '4Gi', pods: '110' },
    allocatable: { cpu: '1800m', memory: '3Gi', pods: '110' },
    addresses: [{ type: 'InternalIP', address: '10.0.0.1' }],
    conditions: [
      { type: 'Ready', status: 'True', reason: 'AgentReady', message: 'the agent is ready' },
    ],
  },
};

export const sampleEvents: Event[] = [
  {
    metadata: metadata('e1'),
    involvedObject: { kind: 'Pod', name: 'web-abc-1' },
    type: 'Warning',
    reason: 'BackOff',
    message: 'restarting failed container\n',
    source: { component: 'agent' },
    firstTimestamp: '2026-11-21T11:55:10Z',
    lastTimestamp: '2026-11-21T11:59:50Z',
    count: 7,
  },
  {
    metadata: metadata('e2'),
    involvedObject: { kind: 'Pod', name: 'web-abc-1' },
    type: 'Normal',
    reason: 'Scheduled',
    message: 'assigned to n1',
    reportingComponent: 'scheduler',
    eventTime: '2026-11-21T11:55:00.123456Z',
  },
];
