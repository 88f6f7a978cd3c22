import { expect, test } from 'vitest';
import { node, pod } from './fixtures.js';
import { Scheduler } from './scheduler.js';
import { Snapshot } from './snapshot.js';

const requests = { cpu: 1 };
const apart = {
  podAntiAffinity: {
    requiredDuringSchedulingIgnoredDuringExecution: [
      { labelSelector: { matchLabels: { app: 'db' } }, topologyKey: 'zone' },
    ],
  },
};

function cluster(): Snapshot {
  const snapshot = new Snapshot();
  for (const name of ['a', 'b']) {
    snapshot.setNode(node({ name, labels: { zone: name }, offers: { cpu: 64, memory: '1Ti' } }));
  }
  return snapshot;
}

function database(nodeName: string) {
  return pod({ name: 'db', labels: { app: 'db' }, requests, nodeName });
}

/** Asks about pods that are all of labels of their own. Returns the most classes that were known. */
function ask(snapshot: Snapshot, count: number, name: string): number {
  let most = 0;
  for (let i = 0; i < count; i++) {
    snapshot.handle(pod({ name, labels: { serial: `${name}-${i}` }, requests }));
    most = Math.max(most, snapshot.classCount);
  }
  return most;
}

test('pods that are only asked about are forgotten after a while', () => {
  expect(ask(cluster(), 60_000, 'asked')).toBeLessThan(50_000);
});

test('what was asked about just now still follows the pods when others are forgotten', () => {
  const snapshot = cluster();
  const most = ask(snapshot, 39_000, 'before');
  snapshot.setPod(database('a'));
  const handle = snapshot.handle(pod({ name: 'web', affinity: apart, requests }));
  ask(snapshot, 3_000, 'after');
  expect(snapshot.classCount).toBeLessThan(most);
  snapshot.setPod(database('b'));
  expect(new Scheduler(snapshot).decide(handle).node).toBe('a');
});

test('pods of one template are one class, but for the one that names its node', () => {
  const snapshot = cluster();
  const made = pod({ name: 'web', labels: { app: 'web' }, requests });
  Object.freeze(made.spec.containers);
  const copy = (spec: object) => ({ ...made, spec: { ...made.spec, ...spec } });
  const handle = snapshot.handle(made);
  expect(snapshot.handle(copy({}))).toBe(handle);
  const tied = snapshot.handle(copy({ nodeName: 'b' }));
  expect([handle.podClass.nodeName, tied.podClass.nodeName]).toEqual([undefined, 'b']);
  expect(snapshot.handle(copy({ nodeSelector: { zone: 'a' } })).podClass).not.toBe(handle.podClass);
  expect(snapshot.handle(copy({})).podClass).toBe(handle.podClass);
});
