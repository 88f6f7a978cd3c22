import type { Namespace, Node, Pod, ReplicaSet } from '@gantry/api';

const podsPerSet = 250;
const setsPerNamespace = 20;
const offers = { cpu: '64', memory: '512Gi', pods: '250' };
const bornMs = Date.parse('2026-11-21T11:00:00Z');
/** No two pods of a set start in the same second, and none is ready at once. */
const [spreadSeconds, readySeconds] = [3_600, 7];

/** So many hexadecimal digits, as of a digest, that differ with each number. */
function hex(seed: number, digits: number): string {
  let text = '';
  for (let state = seed + 1; text.length < digits;) {
    state = (Math.imul(state ^ (state >>> 15), 0x2c1b3c6d) + 0x9e3779b9) | 0;
    text += ((state ^ (state >>> 13)) >>> 0).toString(16).padStart(8, '0');
  }
  return text.slice(0, digits);
}

function uid(kind: number, i: number): string {
  const digits = hex(kind * 0x1000003 + i, 24) + i.toString(16).padStart(8, '0');
  return digits.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5');
}

const namespaceOf = (set: number) => `team-${Math.floor(set / setsPerNamespace)}`;
const setName = (set: number) => `app-${set}-${hex(set, 10)}`;

function time(seconds: number): string {
  return `${new Date(bornMs + seconds * 1_000).toISOString().slice(0, 19)}Z`;
}

function labels(set: number): Record<string, string> {
  const [app, hash] = [`app-${set}`, hex(set, 10)];
  return { app, 'app.kubernetes.io/version': `1.${set % 40}`, 'pod-template-hash': hash };
}

/** As the API completes what people write. */
function template(set: number): Pod['spec'] {
  const requests = { cpu: `${50 + 25 * (set % 8)}m`, memory: '128Mi' };
  const httpGet = { path: '/healthz', port: 'http', scheme: 'HTTP' };
  const times = { timeoutSeconds: 1, periodSeconds: 10, successThreshold: 1, failureThreshold: 3 };
  const container = {
    name: 'main',
    image: `registry.local/team-${set % 90}/app-${set}:1.${set % 40}`,
    ports: [{ name: 'http', containerPort: 8080, protocol: 'TCP' }],
    env: [
      { name: 'SERVICE', value: `app-${set}` },
      { name: 'LOG_LEVEL', value: 'info' },
    ],
    resources: { requests, limits: { memory: '256Mi' } },
    readinessProbe: { httpGet, ...times },
    imagePullPolicy: 'IfNotPresent',
    terminationMessagePath: '/dev/termination-log',
    terminationMessagePolicy: 'File',
  };
  return {
    containers: [container],
    restartPolicy: 'Always',
    terminationGracePeriodSeconds: 30,
    dnsPolicy: 'ClusterFirst',
    securityContext: {},
    schedulerName: 'default-scheduler',
    priority: 0,
    preemptionPolicy: 'PreemptLowerPriority',
    enableServiceLinks: true,
  } as unknown as Pod['spec'];
}

function status(i: number, nodeNumber: number, image: string): Pod['status'] {
  const [born, ready] = [time(i % spreadSeconds), time((i % spreadSeconds) + readySeconds)];
  const hostIP = `192.168.${Math.floor(nodeNumber / 250) % 250}.${nodeNumber % 250}`;
  const podIP = `10.${Math.floor(nodeNumber / 256)}.${nodeNumber % 256}.${2 + (i % 250)}`;
  const condition = (type: string, lastTransitionTime: string) => {
    return { type, status: 'True', lastTransitionTime };
  };
  const container = {
    name: 'main',
    state: { running: { startedAt: ready } },
    lastState: {},
    ready: true,
    restartCount: 0,
    image,
    imageID: `sha256:${hex(nodeNumber % 5, 64)}`,
    containerID: `gantry://${hex(i, 64)}`,
    started: true,
  };
  return {
    observedGeneration: 1,
    phase: 'Running',
    conditions: [
      condition('PodReadyToStartContainers', born),
      condition('Initialized', born),
      condition('Ready', ready),
      condition('ContainersReady', ready),
      condition('PodScheduled', born),
    ],
    hostIP,
    hostIPs: [{ ip: hostIP }],
    podIP,
    podIPs: [{ ip: podIP }],
    startTime: born,
    containerStatuses: [container],
    qosClass: 'Burstable',
  } as unknown as Pod['status'];
}

/**
 * A cluster at work, as the API has written it: nodes, and pods of ReplicaSets of 250 with a template each, spread
 * over namespaces, with what the defaults, the ReplicaSet controller, the scheduler and the agents add to what
 * people write. A pod is 2.3 kB of JSON. The pods of one set differ in names, uids, nodes, addresses, times and
 * ids of containers.
 */
export class Fleet {
  readonly replicaSets: number;
  readonly namespaces: number;
  private readonly nodes: number;
  private readonly pods: number;

  constructor(nodes: number, pods: number) {
    this.nodes = nodes;
    this.pods = pods;
    this.replicaSets = Math.ceil(pods / podsPerSet);
    this.namespaces = Math.ceil(this.replicaSets / setsPerNamespace);
  }

  namespace(i: number): Namespace {
    const metadata = { name: namespaceOf(i * setsPerNamespace), creationTimestamp: time(0) };
    const spec = { finalizers: ['kubernetes'] };
    return { metadata, spec, status: { phase: 'Active' } } as unknown as Namespace;
  }

  node(i: number): Node {
    const name = `node-${i}`;
    const conditions = [{ type: 'Ready', status: 'True', reason: 'Bench' }];
    const cidr = `10.${Math.floor(i / 256)}.${i % 256}.0/24`;
    return {
      metadata: { name, labels: { 'kubernetes.io/hostname': name } },
      spec: { podCIDR: cidr, podCIDRs: [cidr] },
      status: { allocatable: offers, capacity: offers, conditions },
    } as unknown as Node;
  }

  /** It has all the pods that it wants. */
  replicaSet(set: number): ReplicaSet {
    const replicas = Math.min(podsPerSet, this.pods - set * podsPerSet);
    const counts = { fullyLabeledReplicas: replicas, readyReplicas: replicas };
    const metadata = {
      name: setName(set),
      namespace: namespaceOf(set),
      labels: labels(set),
      generation: 1,
      uid: uid(1, set),
      creationTimestamp: time(0),
    };
    const podTemplate = { metadata: { labels: labels(set) }, spec: template(set) };
    return {
      metadata,
      spec: { replicas, selector: { matchLabels: labels(set) }, template: podTemplate },
      status: { replicas, ...counts, availableReplicas: replicas, observedGeneration: 1 },
    };
  }

  /** As its ReplicaSet creates it, the scheduler binds it and its agent reports it. */
  pod(i: number): Pod {
    const [set, nodeNumber] = [Math.floor(i / podsPerSet), i % this.nodes];
    const spec = template(set);
    const owner = { apiVersion: 'apps/v1', kind: 'ReplicaSet', name: setName(set) };
    const role = { uid: uid(1, set), controller: true, blockOwnerDeletion: true };
    const metadata = {
      generateName: `${setName(set)}-`,
      namespace: namespaceOf(set),
      labels: labels(set),
      ownerReferences: [{ ...owner, ...role }],
      name: `${setName(set)}-${(i % podsPerSet).toString(36).padStart(5, 'x')}`,
      generation: 1,
      uid: uid(2, i),
      creationTimestamp: time(i % spreadSeconds),
    };
    return {
      metadata,
      spec: { ...spec, nodeName: `node-${nodeNumber}` },
      status: status(i, nodeNumber, spec.containers[0]!.image!),
    };
  }

  /** One that waits for its node, managed by nobody. */
  waitingPod(name: string): Pod {
    return {
      metadata: { name, namespace: 'default', labels: { app: name } },
      spec: template(0),
      status: { phase: 'Pending', qosClass: 'Burstable' },
    } as unknown as Pod;
  }
}
