import { beforeEach, expect, test } from 'vitest';
import { BlobTracker, maxQueriesPerNode, maxTransfersPerHolder } from './blob-tracker.js';

let tracker: BlobTracker;
let told: Map<string, string[]>;

const digest = 'sha256:aa';
const last = (node: string) => told.get(node)?.at(-1);

function ask(node: string, blob = digest): void {
  tracker.query(node, blob, (peers, waitingFor) => {
    const text = waitingFor ? `wait ${waitingFor}` : peers.map((p) => p.node).join() || 'registry';
    told.set(node, [...(told.get(node) ?? []), text]);
  });
}

beforeEach(() => {
  tracker = new BlobTracker();
  told = new Map();
  for (const node of ['a', 'b', 'c', 'd']) tracker.connected(node, `${node}:6446`);
});

test('the first is sent to the registry, the others wait and then ask it', () => {
  for (const node of ['a', 'b', 'c']) ask(node);
  expect([last('a'), last('b'), last('c')]).toEqual(['registry', 'wait a', 'wait a']);
  tracker.have('a', digest);
  expect([last('b'), last('c')]).toEqual(['a', 'a']);
  tracker.have('b', digest);
  ask('d');
  // a still serves c, so b comes first.
  expect(last('d')).toBe('b,a');
});

test('another one takes over from a fetcher that fails or goes', () => {
  for (const node of ['a', 'b', 'c']) ask(node);
  tracker.left('a', digest);
  expect([last('b'), last('c')]).toEqual(['registry', 'wait a']);
  tracker.disconnected('b');
  expect(last('c')).toBe('registry');
});

test('who waits no longer is told nothing, and who asks again is answered once', () => {
  for (const node of ['a', 'b']) ask(node);
  tracker.left('b', digest);
  tracker.have('a', digest);
  expect(told.get('b')).toEqual(['wait a']);
  ask('c');
  ask('c');
  expect(told.get('c')).toEqual(['a', 'a']);
});

test('a holder serves so many at once; the rest follows as a tree', () => {
  tracker.have('a', digest);
  const others = Array.from({ length: maxTransfersPerHolder + 2 }, (_, index) => `n${index}`);
  for (const node of others) {
    tracker.connected(node, `${node}:6446`);
    ask(node);
  }
  const served = others.slice(0, maxTransfersPerHolder);
  expect(served.map(last)).toEqual(served.map(() => 'a'));
  expect(last('n4')).toBe('wait a');
  tracker.have('n0', digest);
  // One place at a is free again, and n0 has all of its own.
  expect([last('n4'), last('n5')]).toEqual(['n0,a', 'n0,a']);
});

test('who cannot be reached, has it no more or asks himself is no holder', () => {
  tracker.have('a', digest);
  tracker.have('x', digest);
  ask('a');
  expect(last('a')).toBe('registry');
  tracker.gone('a', digest);
  ask('b');
  expect(last('b')).toBe('wait a');
  tracker.reset('x');
  tracker.disconnected('a');
  expect(last('b')).toBe('registry');
});

test('nobody waits for a node that serves no peers', () => {
  ask('mute');
  ask('a');
  ask('b');
  expect([last('mute'), last('a'), last('b')]).toEqual(['registry', 'registry', 'wait a']);
  tracker.have('a', digest);
  ask('mute');
  expect(last('mute')).toBe('a');
});

test('a node waits for so many blobs at most; further ones are its own affair', () => {
  const digests = Array.from({ length: maxQueriesPerNode }, (_, index) => `sha256:${index}`);
  for (const one of digests) ask('a', one);
  ask('a', 'sha256:more');
  expect(last('a')).toBe('registry');
  ask('b', 'sha256:more');
  expect(last('b')).toBe('registry');
  tracker.left('a', digests[0]!);
  ask('b', digests[1]);
  expect(last('b')).toBe('wait a');
  ask('a', digests[0]);
  ask('b', digests[0]);
  expect(last('b')).toBe('wait a');
});
