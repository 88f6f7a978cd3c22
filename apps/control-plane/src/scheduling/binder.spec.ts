import { expect, test } from 'vitest';
import { ConfigMapKind, PodKind, type ConfigMap, type Pod } from '@gantry/api';
import { systemClock } from '@gantry/base';
import { ObjectStore, type ObjectOperation } from '@gantry/controller';
import { EmbeddedStore } from '@gantry/store';
import { Binder, maxWritesPerTransaction, type Binding } from './binder.js';

/** A store with pods that wait, of so many bytes each, and a binder on it. */
async function startBed(count: number, bytes = 0) {
  const objects = new ObjectStore(new EmbeddedStore());
  const made: Promise<Pod>[] = [];
  for (let i = 0; i < count; i++) {
    const annotations = { note: 'x'.repeat(bytes) };
    const metadata = { name: `p${i}`, namespace: 'default', annotations };
    made.push(objects.create(PodKind, { metadata, spec: { containers: [] } }));
  }
  const pods = await Promise.all(made);
  const binder = new Binder(objects, systemClock, () => 0n);
  const bound = async () =>
    (await objects.list(PodKind)).items.filter(({ spec }) => spec.nodeName).length;
  return { objects, pods, binder, bound, [Symbol.asyncDispose]: () => objects.store.close() };
}

const on = (node: string) => (pod: Pod) => ({ pod, node });
const typesOf = (outcomes: readonly (readonly { type: string }[])[]) =>
  outcomes.map((group) => group.map(({ type }) => type));

test('a batch, and a gang, of more bytes than one transaction may have is cut', async () => {
  await using bed = await startBed(40, 60_000);
  const bindings = bed.pods.map(on('a'));
  const half = bindings.length / 2;
  const singles = bindings.slice(0, half).map((binding) => [binding]);
  const outcomes = await bed.binder.bind([...singles, bindings.slice(half)]);
  expect(new Set(typesOf(outcomes).flat())).toEqual(new Set(['bound']));
  expect(await bed.bound()).toBe(bindings.length);
});

/** A change beside the pod, as the volume of a claim is. */
async function beside(objects: ObjectStore, name: string): Promise<ObjectOperation> {
  const object = { metadata: { name, namespace: 'default' } } as ConfigMap;
  const created = await objects.create(ConfigMapKind, object);
  return {
    type: 'update',
    kind: ConfigMapKind,
    object: { ...created, data: { given: 'yes' } },
  } as unknown as ObjectOperation;
}

test('a gang with more writes than one transaction takes is cut by writes, not by pods', async () => {
  await using bed = await startBed(70);
  const gang: Binding[] = [];
  for (const [i, pod] of bed.pods.entries()) {
    const operations = [await beside(bed.objects, `v${i}`)];
    gang.push({ pod, node: 'a', volumes: { operations, claims: [] } });
  }
  expect(2 * gang.length).toBeGreaterThan(maxWritesPerTransaction);
  const [outcomes] = typesOf(await bed.binder.bind([gang]));
  expect(outcomes!.every((type) => type === 'bound')).toBe(true);
});

test('pods that share a claim write it once, in one transaction or several', async () => {
  await using bed = await startBed(120);
  const operations = [await beside(bed.objects, 'shared')];
  const gang = bed.pods.map((pod) => ({ pod, node: 'a', volumes: { operations, claims: [] } }));
  const [outcomes] = typesOf(await bed.binder.bind([gang]));
  expect(outcomes!.every((type) => type === 'bound')).toBe(true);
});

test('what the store would never take is refused, alone, and the others are bound', async () => {
  await using bed = await startBed(3);
  const [a, b, c] = bed.pods as [Pod, Pod, Pod];
  const twice = [
    { pod: a, node: 'a' },
    { pod: a, node: 'b' },
  ];
  const outcomes = await bed.binder.bind([[{ pod: b, node: 'a' }], twice, [{ pod: c, node: 'a' }]]);
  expect(typesOf(outcomes)).toEqual([['bound'], ['refused', 'refused'], ['bound']]);
  expect(await bed.bound()).toBe(2);
});
