import { GantryError, unavailable } from '@gantry/base';
import { kinds, type ApiObject, type Deployment, type Pod } from '@gantry/api';
import { describe, expect, it } from 'vitest';
import { lastApplied, lastAppliedAnnotation, withLastApplied } from './apply/last-applied.js';
import { podsToEvict } from './commands/drain.js';
import type { Flags } from './command-line.js';
import { failureOf } from './failure-text.js';
import { kubeconfigPaths } from './kubeconfig-paths.js';
import { parseManifests } from './manifests/parse.js';
import { builtinResources } from './resources/builtin.js';
import { suggest } from './resources/suggest.js';
import { rolloutProgress } from './rollout/status.js';
import { parseDuration } from './session.js';
import { sampleDeployment, samplePod } from './testing/sample-objects.js';
import { CommandError, UsageError } from './usage-error.js';

describe('resources known ahead', () => {
  it('are the kinds that are served', () => {
    const row = (kind: (typeof builtinResources)[number]) => ({
      group: kind.group,
      version: kind.version,
      kind: kind.kind,
      plural: kind.plural,
      singular: kind.singular,
      namespaced: kind.namespaced,
      shortNames: kind.shortNames,
      categories: kind.categories,
    });
    const byName = (a: { kind: string }, b: { kind: string }) => a.kind.localeCompare(b.kind);
    const served = kinds.map((kind) => row({ ...kind, type: undefined, verbs: [] }));
    expect(builtinResources.map(row).toSorted(byName)).toEqual(served.toSorted(byName));
  });

  it.each([
    ['podz', 'pods'],
    ['deplyoments', 'deployments'],
    ['nod', 'no'],
    ['zebra', undefined],
  ])('suggest for %s: %s', (typed, expected) => {
    expect(suggest(typed, ['pods', 'deployments', 'no', 'svc'])).toBe(expected);
  });
});

describe('manifests', () => {
  const header = 'apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\n';

  it('are read as people of Kubernetes write them', () => {
    const text = `${header}spec: {mode: 0644, on: yes, 08: no, <<: {merged: off}, at: 12:30, day: 2026-01-01}\n---\n# nothing\n---\n${header}`;
    const manifests = parseManifests(text, 'f.yaml');
    expect(manifests.map(({ source }) => source)).toEqual([
      'f.yaml (document 1)',
      'f.yaml (document 3)',
    ]);
    expect(manifests[0]?.object).toMatchObject({
      spec: { mode: 420, on: true, '08': false, merged: false, at: '12:30', day: '2026-01-01' },
    });
  });

  it('of a List are taken out', () => {
    const list = `apiVersion: v1\nkind: List\nitems:\n- ${header.replaceAll('\n', '\n  ')}`;
    expect(parseManifests(list, 'f').map(({ source }) => source)).toEqual(['f items[0]']);
  });

  it.each([
    ['a: [1\nb: 2', /f: line 2: /],
    [`${header}data: {a: "1", a: "2"}`, 'f: line 4: Map keys must be unique'],
    ['- a', 'f: a manifest must be an object'],
    ['kind: Pod', 'f: apiVersion is missing'],
    ['apiVersion: v1\nkind: Pod', 'f: metadata is missing'],
    [
      `a: &a [x,x,x,x,x,x,x,x,x,x]\nb: &b [${'*a,'.repeat(30)}]\nc: [${'*b,'.repeat(30)}]`,
      'Excessive alias count',
    ],
  ])('refuse %j', (text, expected) => {
    expect(() => parseManifests(text, 'f')).toThrow(expected);
    expect(() => parseManifests(text, 'f')).toThrow(CommandError);
  });
});

describe('the record of what was applied', () => {
  it('is as kubectl writes it, and leaves itself out', () => {
    const object: ApiObject & { data: object } = {
      kind: 'ConfigMap',
      apiVersion: 'v1',
      metadata: { name: 'a', namespace: 'n' },
      data: { b: '2', a: '1' },
    };
    const once = withLastApplied(object);
    expect(once.metadata.annotations?.[lastAppliedAnnotation]).toBe(
      '{"apiVersion":"v1","data":{"a":"1","b":"2"},"kind":"ConfigMap","metadata":{"annotations":{},"name":"a","namespace":"n"}}\n',
    );
    expect(withLastApplied(once)).toEqual(once);
    expect(lastApplied(once)).toMatchObject({ data: { a: '1', b: '2' } });
    expect(
      lastApplied({ metadata: { annotations: { [lastAppliedAnnotation]: '{' } } }),
    ).toBeUndefined();
  });
});

describe('failures', () => {
  const causes = [
    { reason: 'FieldValueRequired', message: 'Required value', field: 'spec.a' },
    { reason: 'FieldValueInvalid', message: 'Invalid value: 1', field: 'spec.b' },
  ];
  it.each<[unknown, string, number]>([
    [new UsageError('no such flag'), 'error: no such flag', 2],
    [new CommandError('it failed', 7), 'error: it failed', 7],
    [new CommandError('', 3), '', 3],
    [
      new GantryError('NotFound', 'pods "x" not found'),
      'Error from server (NotFound): pods "x" not found',
      1,
    ],
    [
      new GantryError('Invalid', 'long', { kind: 'Pod', name: 'x', causes }),
      'The Pod "x" is invalid:\n* spec.a: Required value\n* spec.b: Invalid value: 1',
      1,
    ],
    [
      new GantryError('Invalid', 'long', { kind: 'Pod', name: 'x', causes: causes.slice(1) }),
      'The Pod "x" is invalid: spec.b: Invalid value: 1',
      1,
    ],
    [
      unavailable('cannot reach https://a: nothing listens there'),
      'error: cannot reach https://a: nothing listens there',
      1,
    ],
    [new Error('outer', { cause: new Error('inner') }), 'error: outer: inner', 1],
  ])('%s', (error, text, exitCode) => expect(failureOf(error)).toEqual({ text, exitCode }));
});

describe('configuration', () => {
  it('comes from the flag, then GANTRY_CONFIG, then KUBECONFIG, then home', () => {
    const env = { GANTRY_CONFIG: '/g', KUBECONFIG: '/a:/b', HOME: '/nowhere' };
    expect(kubeconfigPaths('/f', env)).toEqual(['/f']);
    expect(kubeconfigPaths(undefined, env)).toEqual(['/g']);
    expect(kubeconfigPaths(undefined, { ...env, GANTRY_CONFIG: '' })).toEqual(['/a', '/b']);
    expect(kubeconfigPaths(undefined, { HOME: '/nowhere' })[0]).toMatch(/kube\/config|gantry/);
  });

  it.each([
    ['90', 90_000],
    ['1.5m', 90_000],
    ['2h', 7_200_000],
    ['250ms', 250],
  ])('duration %s is %d ms', (text, expected) => expect(parseDuration(text, '--t')).toBe(expected));
  it.each(['', 'soon', '-1s', '5d'])('refuses the duration %j', (text) => {
    expect(() => parseDuration(text, '--t')).toThrow('--t:');
  });
});

describe('rollout status', () => {
  const progress = (status: Deployment['status'], generation = 2) =>
    rolloutProgress({ ...sampleDeployment, metadata: { name: 'web', generation }, status });
  it.each<[string, Deployment['status'], boolean]>([
    ['Waiting for deployment spec update to be observed...', { observedGeneration: 1 }, false],
    [
      'Waiting for deployment "web" rollout to finish: 1 out of 3 new replicas have been updated...',
      { observedGeneration: 2, updatedReplicas: 1 },
      false,
    ],
    [
      'Waiting for deployment "web" rollout to finish: 1 old replicas are pending termination...',
      { observedGeneration: 2, updatedReplicas: 3, replicas: 4 },
      false,
    ],
    [
      'Waiting for deployment "web" rollout to finish: 2 of 3 updated replicas are available...',
      { observedGeneration: 2, updatedReplicas: 3, replicas: 3, availableReplicas: 2 },
      false,
    ],
    [
      'deployment "web" successfully rolled out',
      { observedGeneration: 2, updatedReplicas: 3, replicas: 3, availableReplicas: 3 },
      true,
    ],
    [
      'deployment "web" exceeded its progress deadline: image is missing',
      {
        observedGeneration: 2,
        conditions: [
          {
            type: 'Progressing',
            status: 'False',
            reason: 'ProgressDeadlineExceeded',
            message: 'image is missing',
          },
        ],
      },
      true,
    ],
  ])('%s', (message, status, done) => expect(progress(status)).toMatchObject({ message, done }));
});

describe('drain', () => {
  const lone: Pod = { ...samplePod, metadata: { name: 'lone', namespace: 'a' } };
  const scratch: Pod = {
    ...samplePod,
    spec: { ...samplePod.spec, volumes: [{ name: 'd', emptyDir: {} }] },
  };
  const daemon: Pod = {
    ...samplePod,
    metadata: {
      ...samplePod.metadata,
      ownerReferences: [
        { apiVersion: 'apps/v1', kind: 'DaemonSet', name: 'd', uid: 'u', controller: true },
      ],
    },
  };
  const ended: Pod = { ...scratch, status: { phase: 'Succeeded' } };
  it.each<[string, Pod, Flags, number, string[]]>([
    ['a pod that is replaced', samplePod, {}, 1, []],
    [
      'a pod that nothing replaces',
      lone,
      {},
      1,
      ['a/lone has no controller that replaces it (use --force)'],
    ],
    ['the same with --force', lone, { force: true }, 1, []],
    [
      'a pod with data',
      scratch,
      {},
      1,
      ['shop/web-abc-1 has data in an emptyDir, which would be lost (use --delete-emptydir-data)'],
    ],
    ['the same when it has ended', ended, {}, 1, []],
    [
      'a pod of a DaemonSet',
      daemon,
      {},
      0,
      ['shop/web-abc-1 belongs to a DaemonSet (use --ignore-daemonsets)'],
    ],
    ['the same with --ignore-daemonsets', daemon, { ignoreDaemonsets: true }, 0, []],
  ])('%s', (_, pod, flags, count, faults) => {
    const result = podsToEvict([pod], flags);
    expect(result.evict).toHaveLength(count);
    expect(result.faults).toEqual(faults);
  });
});
