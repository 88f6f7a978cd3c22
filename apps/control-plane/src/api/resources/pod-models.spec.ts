import { PodKind, PriorityClassKind, type Pod } from '@gantry/api';
import { decode } from '@gantry/api-machinery';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type ApiFixture, startApi } from '../testing/api-fixture.js';
import { PodModels, type PodModel, type SentPod } from './pod-models.js';

let api: ApiFixture;
beforeAll(async () => {
  api = await startApi();
  await api.call('POST', '/api/v1/namespaces', { metadata: { name: 'default' } });
});
afterAll(() => api[Symbol.asyncDispose]());

const containers = [{ name: 'main', image: 'web:1', ports: [{ containerPort: 80 }] }];

function sent(text: string, more: Partial<SentPod> = {}): SentPod {
  const fieldValidation = 'Warn';
  return { text: Buffer.from(text), namespace: 'default', manager: 'm', fieldValidation, ...more };
}

/** As the handler of the request does it. */
async function create(request: SentPod): Promise<{ pod: Pod; isAlike: boolean; text?: string }> {
  const { resources } = api.api;
  const alike = await resources.createAlike(request);
  if (alike) return { pod: alike.object, isAlike: true, text: alike.text };
  const { namespace, manager: fieldManager, fieldValidation } = request;
  const { object, warnings } = decode(PodKind, request.text, { fieldValidation });
  const known = warnings.length === 0 ? request : undefined;
  const options = { fieldManager, owned: true, sent: known };
  return { pod: await resources.create(PodKind, namespace, object, options), isAlike: false };
}

/** What two pods may differ in. */
function common({ metadata, ...rest }: Pod): unknown {
  const { uid: _u, resourceVersion: _v, creationTimestamp: _t, name: _n, ...others } = metadata;
  const managedFields = others.managedFields?.map((entry) => ({ ...entry, time: '' }));
  return JSON.parse(JSON.stringify({ ...rest, metadata: { ...others, managedFields } }));
}

let serial = 0;
const fresh = () => `pod-${(serial += 1)}`;

const spec = JSON.stringify({ containers });
const bodies: Record<string, (name: string) => string> = {
  least: (name) => `{"metadata":{"name":"${name}"},"spec":${spec}}`,
  'as kubectl sends it': (name) =>
    `{"apiVersion":"v1","kind":"Pod","metadata":{"annotations":{},"name":"${name}",` +
    `"namespace":"default"},"spec":${spec}}\n`,
  'as client-go sends it': (name) =>
    `{"kind":"Pod","apiVersion":"v1","metadata":{"name":"${name}","creationTimestamp":null,` +
    `"labels":{"app":"u","x":""}},"spec":${spec},"status":{}}`,
  'with spaces and a generateName': (name) =>
    `{ "metadata": {"name":"${name}", "generateName":"g-"}, "spec": ${spec} }`,
  'with annotations of any content': (name) =>
    `{"metadata":{"name":"${name}","annotations":{"a/b":"\\"name\\":\\"x\\" ü \\u2028 \\ud800"},` +
    `"finalizers":["a/b"],"ownerReferences":[{"apiVersion":"v1","kind":"Pod","name":"o","uid":"1"}]},` +
    `"spec":{"nodeSelector":{"name":"x"},"containers":${JSON.stringify(containers)}}}`,
  'that waits at a gate': (name) =>
    `{"metadata":{"name":"${name}"},"spec":{"schedulingGates":[{"name":"g"}],` +
    `"containers":[{"name":"a","image":"b","resources":{"limits":{"cpu":"1"}}}]}}`,
};

describe('pods that are sent alike', () => {
  it.each(Object.keys(bodies))('come out as the plain way makes them: %s', async (which) => {
    const body = bodies[which]!;
    const first = await create(sent(body(fresh())));
    expect(first.isAlike).toBe(false);
    expect((await create(sent(body(fresh())))).isAlike).toBe(false);
    const [name, other] = [fresh(), fresh()];
    const { pod, isAlike, text } = await create(sent(body(name)));
    expect(isAlike).toBe(true);
    expect(common(pod)).toEqual(common(first.pod));
    expect(pod.metadata.name).toBe(name);
    expect(pod.metadata.uid).not.toBe(first.pod.metadata.uid);
    expect(pod.metadata.managedFields?.[0]?.time).toBe(pod.metadata.creationTimestamp);
    const stored = await api.api.resources.get(PodKind, 'default', name);
    expect(JSON.parse(JSON.stringify(pod))).toEqual(stored);
    expect(JSON.parse(text!)).toEqual(stored);
    await create(sent(body(other)));
    await expect(create(sent(body(other)))).rejects.toMatchObject({
      reason: 'AlreadyExists',
      message: `pods "${other}" already exists`,
    });
  });

  it.each([
    ['a name twice', (n: string) => `{"metadata":{"name":"${n}","name":"a${n}"},"spec":${spec}}`],
    [
      'metadata twice',
      (n: string) => `{"metadata":{"name":"x"},"metadata":{"name":"${n}"},"spec":${spec}}`,
    ],
    ["another's name first", (n: string) => `{"spec":${spec},"metadata":{"name":"${n}"}}`],
    ['an unknown field', (n: string) => `{"metadata":{"name":"${n}"},"x":1,"spec":${spec}}`],
  ])('are made the plain way where that is not certain: %s', async (_, body) => {
    for (let i = 0; i < 4; i += 1) {
      expect((await create(sent(body(fresh())))).isAlike).toBe(false);
    }
  });

  it('are refused for what is wrong with their own name', async () => {
    const body = bodies['least']!;
    for (let i = 0; i < 3; i += 1) await create(sent(body(fresh())));
    for (const name of ['A', 'a_b', '-a', '', 'a'.repeat(300), 'a","namespace":"other']) {
      await expect(create(sent(body(name))), name).rejects.toThrow(
        /invalid|match|Required|not found/i,
      );
    }
  });

  it('are told apart by namespace, manager and strictness', async () => {
    const body = bodies['least']!;
    for (let i = 0; i < 3; i += 1) await create(sent(body(fresh())));
    expect((await create(sent(body(fresh())))).isAlike).toBe(true);
    const others: Partial<SentPod>[] = [{ manager: 'n' }, { fieldValidation: 'Strict' }];
    for (const more of others) {
      expect((await create(sent(body(fresh()), more))).isAlike).toBe(false);
    }
    const elsewhere = create(sent(body(fresh()), { namespace: 'other' }));
    await expect(elsewhere).rejects.toMatchObject({ reason: 'NotFound' });
  });

  it('get the priority that their class has now', async () => {
    const body = (name: string) =>
      `{"metadata":{"name":"${name}"},"spec":{"priorityClassName":"late","containers":[{"name":"a","image":"b"}]}}`;
    const { resources } = api.api;
    const metadata = { name: 'late' };
    await resources.create(PriorityClassKind, undefined, { metadata, value: 5 });
    await expect.poll(async () => (await create(sent(body(fresh())))).isAlike).toBe(true);
    await resources.delete(PriorityClassKind, undefined, 'late', {});
    await expect
      .poll(() => create(sent(body(fresh()))).catch(({ reason }) => reason as string))
      .toBe('Forbidden');
    await resources.create(PriorityClassKind, undefined, { metadata, value: 6 });
    for (let i = 0; i < 4; i += 1) {
      expect((await create(sent(body(fresh())))).pod.spec.priority).toBe(6);
    }
  });
});

it('remembers so much and no more, and what was used last', () => {
  const models = new PodModels();
  const model = {} as PodModel;
  const request = (i: number) => sent(`{"metadata":{"name":"a","labels":{"i":"${i}"}}}`);
  const learnt = (i: number) => {
    for (let times = 0; times < 2; times += 1) models.learn(request(i), () => model);
  };
  learnt(0);
  for (let i = 1; i < 200; i += 1) {
    learnt(i);
    expect(models.find(request(0))?.model).toBe(model);
  }
  expect(models.find(request(1))).toBeUndefined();
  expect(models.find(request(199))).toBeDefined();
});
