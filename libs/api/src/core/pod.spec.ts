import { decode, describeFieldError } from '@gantry/api-machinery';
import { describe, expect, it } from 'vitest';
import { PodKind, type Pod } from './pod.js';

function pod(spec: object): Pod {
  const { object } = decode(
    PodKind,
    JSON.stringify({
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: { name: 'web', namespace: 'default' },
      spec,
    }),
    { fieldValidation: 'Strict' },
  );
  PodKind.setDefaults(object);
  return object;
}

function faults(spec: object): string[] {
  return PodKind.validate(pod(spec)).map((error) => `${error.field}: ${describeFieldError(error)}`);
}

const web = { name: 'web', image: 'nginx:1.27' };

describe('defaults of a pod', () => {
  it('fills in what Kubernetes fills in', () => {
    const object = pod({
      containers: [{ ...web, ports: [{ containerPort: 80 }] }],
      volumes: [{ name: 'tmp' }],
    });
    expect(object.spec).toEqual({
      containers: [
        {
          ...web,
          ports: [{ containerPort: 80, protocol: 'TCP' }],
          imagePullPolicy: 'IfNotPresent',
          resources: {},
          terminationMessagePath: '/dev/termination-log',
          terminationMessagePolicy: 'File',
        },
      ],
      volumes: [{ name: 'tmp', emptyDir: {} }],
      restartPolicy: 'Always',
      terminationGracePeriodSeconds: 30,
      dnsPolicy: 'ClusterFirst',
      securityContext: {},
      schedulerName: 'default-scheduler',
      enableServiceLinks: true,
    });
  });

  it.each([
    ['nginx', 'Always'],
    ['nginx:latest', 'Always'],
    ['nginx:1.27', 'IfNotPresent'],
    ['localhost:5000/nginx', 'Always'],
    ['localhost:5000/nginx:1', 'IfNotPresent'],
    [`nginx@sha256:${'0'.repeat(64)}`, 'IfNotPresent'],
  ])('pulls %s by policy %s', (image, policy) => {
    const [container] = pod({ containers: [{ name: 'web', image }] }).spec.containers;
    expect(container?.imagePullPolicy).toBe(policy);
  });

  it('takes requests from limits', () => {
    const resources = { limits: { cpu: 1, memory: '1024Mi' }, requests: { cpu: '0.5' } };
    const [container] = pod({ containers: [{ ...web, resources }] }).spec.containers;
    expect(container?.resources).toEqual({
      limits: { cpu: '1', memory: '1Gi' },
      requests: { cpu: '500m', memory: '1Gi' },
    });
  });
});

describe('validation of a pod', () => {
  it('accepts a plain one', () => expect(faults({ containers: [web] })).toEqual([]));

  it.each(['1.2Gi', '0.3Mi', '5.8Gi', '100.5M'])(
    'accepts %s of memory, no whole bytes or not',
    (memory) => {
      const resources = { requests: { memory }, limits: { memory } };
      expect(faults({ containers: [{ ...web, resources }] })).toEqual([]);
    },
  );

  it.each<[string, object, string]>([
    ['no containers', {}, 'spec.containers: Required value'],
    ['no image', { containers: [{ name: 'web' }] }, 'spec.containers[0].image: Required value'],
    [
      'a bad name',
      { containers: [{ ...web, name: 'Web_1' }] },
      'spec.containers[0].name: Invalid value: "Web_1": a lowercase RFC 1123 label must consist',
    ],
    [
      'two of one name',
      { containers: [web, web] },
      'spec.containers[1].name: Duplicate value: "web"',
    ],
    [
      'an unknown restart policy',
      { containers: [web], restartPolicy: 'Often' },
      'spec.restartPolicy: Unsupported value: "Often": supported values: "Always", "OnFailure", "Never"',
    ],
    [
      'a mount of nothing',
      { containers: [{ ...web, volumeMounts: [{ name: 'x', mountPath: '/x' }] }] },
      'spec.containers[0].volumeMounts[0].name: Not found: "x"',
    ],
    [
      'a negative request',
      { containers: [{ ...web, resources: { requests: { cpu: '-1' } } }] },
      'spec.containers[0].resources.requests[cpu]: Invalid value: "-1": must be greater than or equal to 0',
    ],
    [
      'thousandths of a byte',
      { containers: [{ ...web, resources: { requests: { memory: '100m' } } }] },
      'spec.containers[0].resources.requests[memory]: Invalid value: "100m": must be whole bytes; the suffix m means thousandths, did you mean 100Mi?',
    ],
    [
      'thousandths that look like much',
      { containers: [{ ...web, resources: { requests: { memory: '16001m' } } }] },
      'spec.containers[0].resources.requests[memory]: Invalid value: "16001m": must be whole bytes; the suffix m means thousandths, did you mean 16001Mi?',
    ],
    [
      'a request above its limit',
      { containers: [{ ...web, resources: { requests: { cpu: '2' }, limits: { cpu: '1' } } }] },
      'spec.containers[0].resources.requests: Invalid value: "2": must be less than or equal to cpu limit of 1',
    ],
    [
      'an unknown resource',
      { containers: [{ ...web, resources: { requests: { gpu: '1' } } }] },
      'spec.containers[0].resources.requests[gpu]: Invalid value: "gpu": must be a standard resource for containers',
    ],
    [
      'a port out of range',
      { containers: [{ ...web, ports: [{ containerPort: 70000 }] }] },
      'spec.containers[0].ports[0].containerPort: Invalid value: 70000: must be between 1 and 65535, inclusive',
    ],
    [
      'no port',
      { containers: [{ ...web, ports: [{}] }] },
      'spec.containers[0].ports[0].containerPort: Required value',
    ],
    [
      'a host path that steps back',
      { containers: [web], volumes: [{ name: 'h', hostPath: { path: '/a/../etc' } }] },
      'spec.volumes[0].hostPath.path: Invalid value: "/a/../etc": must not contain \'..\'',
    ],
    [
      'a sub path that leaves',
      {
        containers: [{ ...web, volumeMounts: [{ name: 't', mountPath: '/t', subPath: '../x' }] }],
        volumes: [{ name: 't' }],
      },
      'spec.containers[0].volumeMounts[0].subPath: Invalid value: "../x": must not contain \'..\'',
    ],
    [
      'two sources of a volume',
      { containers: [web], volumes: [{ name: 'v', emptyDir: {}, hostPath: { path: '/x' } }] },
      'spec.volumes[0].hostPath: Forbidden: may not specify more than 1 volume type',
    ],
    [
      'a volume that is not served',
      { containers: [web], volumes: [{ name: 'v', nfs: { server: 's', path: '/' } }] },
      'spec.volumes[0].nfs: Forbidden: volumes of this type are not served',
    ],
    [
      'a probe without handler',
      { containers: [{ ...web, livenessProbe: {} }] },
      'spec.containers[0].livenessProbe: Required value: must specify a handler type',
    ],
    [
      'a probe that never runs',
      {
        containers: [{ ...web, livenessProbe: { exec: { command: ['true'] }, periodSeconds: 0 } }],
      },
      'spec.containers[0].livenessProbe.periodSeconds: Invalid value: 0: must be greater than or equal to 1',
    ],
    [
      'value and valueFrom',
      {
        containers: [
          {
            ...web,
            env: [
              { name: 'A', value: 'x', valueFrom: { fieldRef: { fieldPath: 'metadata.name' } } },
            ],
          },
        ],
      },
      'spec.containers[0].env[0].valueFrom: Invalid value: "": may not be specified when `value` is not empty',
    ],
    [
      'a field that cannot be had',
      {
        containers: [
          { ...web, env: [{ name: 'A', valueFrom: { fieldRef: { fieldPath: 'spec.foo' } } }] },
        ],
      },
      'spec.containers[0].env[0].valueFrom.fieldRef.fieldPath: Unsupported value: "spec.foo"',
    ],
    [
      'a toleration of all by value',
      { containers: [web], tolerations: [{ value: 'x' }] },
      'spec.tolerations[0].operator: Invalid value: "Equal": operator must be Exists when `key` is empty',
    ],
    [
      'a readiness probe of an init container',
      {
        containers: [web],
        initContainers: [
          { name: 'i', image: 'b', readinessProbe: { exec: { command: ['true'] } } },
        ],
      },
      'spec.initContainers[0].readinessProbe: Forbidden: may not be set for init containers',
    ],
    [
      'one host port twice',
      {
        containers: [
          {
            ...web,
            ports: [
              { containerPort: 1, hostPort: 9 },
              { containerPort: 2, hostPort: 9 },
            ],
          },
        ],
      },
      'spec.containers[0].ports[1].hostPort: Duplicate value: "TCP//9"',
    ],
  ])('refuses %s', (_, spec, expected) => {
    const found = faults(spec);
    expect(found).toHaveLength(1);
    expect(found[0]).toContain(expected);
  });
});

describe('a change of a pod', () => {
  const old = pod({ containers: [web], tolerations: [{ key: 'a', operator: 'Exists' }] });
  const changed = (change: (object: Pod) => void): string[] => {
    const object = structuredClone(old);
    change(object);
    return PodKind.validate(object, old).map((error) => error.field);
  };

  it('may be of images, deadline and further tolerations', () => {
    const errors = changed(({ spec, metadata }) => {
      metadata.labels = { app: 'web' };
      spec.containers[0]!.image = 'nginx:1.28';
      spec.activeDeadlineSeconds = 5;
      spec.tolerations?.push({ key: 'b', operator: 'Exists' });
    });
    expect(errors).toEqual([]);
  });

  it.each<[string, (object: Pod) => void]>([
    ['command', ({ spec }) => (spec.containers[0]!.command = ['sh'])],
    ['node', ({ spec }) => (spec.nodeName = 'a')],
    ['taken toleration', ({ spec }) => (spec.tolerations = [])],
    ['second container', ({ spec }) => spec.containers.push({ name: 'b', image: 'b' })],
  ])('may not be of the %s', (_, change) => expect(changed(change)).toEqual(['spec']));

  it('keeps status, identity and raises the generation with the spec', () => {
    const stored = structuredClone(old);
    PodKind.prepareForCreate(stored);
    stored.metadata.uid = 'u';
    const update = structuredClone(stored);
    update.metadata.uid = 'other';
    update.status = { phase: 'Running' };
    update.spec.containers[0]!.image = 'nginx:1.28';
    PodKind.prepareForUpdate(update, stored);
    expect(update.metadata).toMatchObject({ uid: 'u', generation: 2 });
    expect(update.status).toEqual({ phase: 'Pending', qosClass: 'BestEffort' });
    const status = structuredClone(stored);
    status.status = { phase: 'Running' };
    status.spec.nodeName = 'elsewhere';
    PodKind.prepareForStatusUpdate(status, stored);
    expect(status.spec.nodeName).toBeUndefined();
    expect(status).toMatchObject({ status: { phase: 'Running' }, metadata: { generation: 1 } });
  });
});
