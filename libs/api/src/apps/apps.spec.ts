import { decode, describeFieldError, type ApiObject, type Kind } from '@gantry/api-machinery';
import { describe, expect, it } from 'vitest';
import { DeploymentKind, type Deployment } from './deployment.js';
import { ReplicaSetKind } from './replica-set.js';

const podSpec = { containers: [{ name: 'web', image: 'web:1' }] };
const labels = { app: 'web' };
const template = { metadata: { labels }, spec: podSpec };
const base = { selector: { matchLabels: labels }, template };

function make<T extends ApiObject>(kind: Kind<T>, spec: object): T {
  const body = JSON.stringify({ metadata: { name: 'web', namespace: 'default' }, spec });
  const { object } = decode(kind, body, { fieldValidation: 'Strict' });
  kind.setDefaults(object);
  return object;
}

function faults(spec: object, kind: Kind = DeploymentKind): string[] {
  const object = make(kind, spec);
  return kind.validate(object).map((error) => `${error.field}: ${describeFieldError(error)}`);
}

describe('Deployment', () => {
  it('gets the defaults of Kubernetes', () => {
    const { spec } = make(DeploymentKind, base);
    expect(spec).toMatchObject({
      replicas: 1,
      revisionHistoryLimit: 10,
      progressDeadlineSeconds: 600,
      strategy: {
        type: 'RollingUpdate',
        rollingUpdate: { maxUnavailable: '25%', maxSurge: '25%' },
      },
    });
    expect(spec.template.spec).toMatchObject({ restartPolicy: 'Always', securityContext: {} });
    expect(spec.template.spec.enableServiceLinks).toBeUndefined();
    const recreate = make(DeploymentKind, { ...base, strategy: { type: 'Recreate' } });
    expect(recreate.spec.strategy).toEqual({ type: 'Recreate' });
  });

  it('is accepted when it is right', () => expect(faults(base)).toEqual([]));

  it.each<[string, object, string[]]>([
    ['no selector', { template }, ['spec.selector: Required value']],
    [
      'an empty selector',
      { ...base, selector: {} },
      ['spec.selector: Invalid value: {}: empty selector is invalid for deployment'],
    ],
    ['no template', { selector: base.selector }, ['spec.template: Required value']],
    [
      'a template without spec',
      { ...base, template: { metadata: { labels } } },
      ['spec.template.spec: Required value'],
    ],
    [
      'a selector that misses the template',
      { ...base, selector: { matchLabels: { app: 'db' } } },
      [
        'spec.template.metadata.labels: Invalid value: {"app":"web"}: `selector` does not match template `labels`',
      ],
    ],
    [
      'negative replicas',
      { ...base, replicas: -1 },
      ['spec.replicas: Invalid value: -1: must be greater than or equal to 0'],
    ],
    [
      'another restart policy',
      { ...base, template: { ...template, spec: { ...podSpec, restartPolicy: 'Never' } } },
      ['spec.template.spec.restartPolicy: Unsupported value: "Never": supported values: "Always"'],
    ],
    [
      'bounds of zero',
      { ...base, strategy: { rollingUpdate: { maxSurge: 0, maxUnavailable: '0%' } } },
      [
        'spec.strategy.rollingUpdate.maxUnavailable: Invalid value: "0%": may not be 0 when `maxSurge` is 0',
      ],
    ],
    [
      'more than all',
      { ...base, strategy: { rollingUpdate: { maxUnavailable: '101%' } } },
      [
        'spec.strategy.rollingUpdate.maxUnavailable: Invalid value: "101%": must not be greater than 100%',
      ],
    ],
    [
      'bounds with Recreate',
      { ...base, strategy: { type: 'Recreate', rollingUpdate: { maxSurge: 1 } } },
      [
        "spec.strategy.rollingUpdate: Forbidden: may not be specified when strategy `type` is 'Recreate'",
      ],
    ],
    [
      'an unknown strategy',
      { ...base, strategy: { type: 'Canary' } },
      [
        'spec.strategy.type: Unsupported value: "Canary": supported values: "Recreate", "RollingUpdate"',
      ],
    ],
    [
      'a deadline before readiness',
      { ...base, progressDeadlineSeconds: 5, minReadySeconds: 5 },
      ['spec.progressDeadlineSeconds: Invalid value: 5: must be greater than minReadySeconds'],
    ],
    [
      'an unknown operator',
      {
        ...base,
        selector: {
          matchLabels: labels,
          matchExpressions: [{ key: 'app', operator: 'Exists', values: ['x'] }],
        },
      },
      [
        "spec.selector.matchExpressions[0].values: Forbidden: may not be specified when `operator` is 'Exists' or 'DoesNotExist'",
      ],
    ],
  ])('with %s is refused', (_, spec, expected) => expect(faults(spec)).toEqual(expected));

  it('keeps its selector and counts the generations of its spec alone', () => {
    const stored = make(DeploymentKind, base);
    DeploymentKind.prepareForCreate(stored);
    expect(stored.metadata.generation).toBe(1);
    const labelled: Deployment = structuredClone(stored);
    labelled.metadata.labels = { team: 'x' };
    DeploymentKind.prepareForUpdate(labelled, stored);
    expect(labelled.metadata.generation).toBe(1);
    const scaled = structuredClone(stored);
    scaled.spec.replicas = 3;
    DeploymentKind.prepareForUpdate(scaled, stored);
    expect(scaled.metadata.generation).toBe(2);
    const reselected = structuredClone(stored);
    reselected.spec.selector = { matchLabels: { app: 'web', tier: 'x' } };
    reselected.spec.template.metadata = { labels: { app: 'web', tier: 'x' } };
    const [error] = DeploymentKind.validate(reselected, stored);
    expect(error).toMatchObject({ field: 'spec.selector', detail: 'field is immutable' });
  });
});

describe('ReplicaSet', () => {
  it('follows the same rules', () => {
    expect(faults(base, ReplicaSetKind)).toEqual([]);
    expect(faults({ ...base, replicas: -2 }, ReplicaSetKind)).toHaveLength(1);
    expect(faults({ selector: base.selector }, ReplicaSetKind)).toEqual([
      'spec.template: Required value',
    ]);
  });
});
