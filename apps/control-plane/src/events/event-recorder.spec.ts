import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { EventKind, PodKind, type Pod } from '@gantry/api';
import { silentLogger, systemClock } from '@gantry/base';
import { ObjectStore } from '@gantry/controller';
import { EmbeddedStore } from '@gantry/store';
import { EventRecorder } from './event-recorder.js';

let store: EmbeddedStore;
let objects: ObjectStore;
let recorder: EventRecorder;
let stop: () => Promise<void>;

beforeEach(() => {
  store = new EmbeddedStore();
  objects = new ObjectStore(store);
  recorder = new EventRecorder({ store, clock: systemClock, logger: silentLogger });
  const stopping = new AbortController();
  const running = recorder.run(stopping.signal);
  stop = async () => {
    stopping.abort();
    await running;
  };
});

afterEach(async () => {
  await stop();
  await store.close();
});

const pod = (name: string) =>
  ({
    metadata: { name, namespace: 'default', uid: `uid-${name}` },
    spec: { containers: [] },
  }) as Pod;
const stored = async () => (await objects.list(EventKind)).items;

test('writes what happened, about whom, and who says so', async () => {
  const sink = recorder.for('scheduler');
  sink.record(PodKind, pod('a'), { type: 'Warning', reason: 'FailedScheduling', message: 'why' });
  await vi.waitFor(async () => expect(await stored()).toHaveLength(1));
  expect((await stored())[0]).toMatchObject({
    involvedObject: {
      kind: 'Pod',
      apiVersion: 'v1',
      name: 'a',
      namespace: 'default',
      uid: 'uid-a',
    },
    type: 'Warning',
    reason: 'FailedScheduling',
    message: 'why',
    source: { component: 'scheduler' },
    count: 1,
  });
});

test('counts repetitions in one object, also across writes', async () => {
  const sink = recorder.for('kubelet', 'node-a');
  const draft = { type: 'Normal', reason: 'Pulled', message: 'again' } as const;
  sink.record(PodKind, pod('a'), draft);
  sink.record(PodKind, pod('a'), draft);
  await vi.waitFor(async () => expect((await stored())[0]?.count).toBe(2));
  sink.record(PodKind, pod('a'), draft);
  await vi.waitFor(async () => expect((await stored())[0]?.count).toBe(3));
  expect(await stored()).toHaveLength(1);
});

test('a noisy object is cut off, others are not', async () => {
  const sink = recorder.for('kubelet');
  for (let i = 0; i < 200; i++) {
    sink.record(PodKind, pod('noisy'), { type: 'Normal', reason: 'Noise', message: `${i}` });
  }
  sink.record(PodKind, pod('quiet'), { type: 'Normal', reason: 'Once', message: 'heard' });
  await vi.waitFor(async () => {
    const events = await stored();
    expect(events.filter((event) => event.reason === 'Once')).toHaveLength(1);
    expect(events.filter((event) => event.reason === 'Noise')).toHaveLength(25);
  });
});

test('what was recorded is written before it stops', async () => {
  recorder.for('x').record(PodKind, pod('a'), { type: 'Normal', reason: 'Last', message: 'words' });
  await stop();
  expect(await stored()).toHaveLength(1);
});
