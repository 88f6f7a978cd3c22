import type { AgentMessage } from '@gantry/agent-protocol';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { BlobDesk } from './blob-desk.js';

let sent: AgentMessage[];
let connected: boolean;
let desk: BlobDesk;

const peer = { nodeName: 'a', address: '10.0.0.1:6446' };
const queryId = () => Number(sent.find(({ blobQuery }) => blobQuery)?.blobQuery?.id);

beforeEach(() => {
  vi.useFakeTimers();
  sent = [];
  connected = true;
  const link = {
    get connected() {
      return connected;
    },
    send: (message: AgentMessage) => void sent.push(message),
  };
  desk = new BlobDesk(() => link);
});
afterEach(() => vi.useRealTimers());

test('without a control plane the registry is asked at once', async () => {
  connected = false;
  expect(await desk.find('sha256:aa', 1000, {})).toEqual([]);
  expect(await desk.refusal('b', 'image')).toContain('not reached');
  expect(sent).toEqual([]);
});

test('waits for the node that fetches it, and tells whom it waits for', async () => {
  const told: string[] = [];
  const found = desk.find('sha256:aa', 60_000, { onWait: (why) => told.push(why) });
  desk.sources({ id: queryId(), peers: [], waitingFor: 'a' });
  await vi.advanceTimersByTimeAsync(50_000);
  desk.sources({ id: queryId(), peers: [peer], waitingFor: '' });
  expect(await found).toEqual([peer]);
  expect(told).toEqual(['waiting for node a, which fetches it for all']);
});

test('gives the wait up in time, and says so', async () => {
  const found = desk.find('sha256:aa', 60_000, {});
  desk.sources({ id: queryId(), peers: [], waitingFor: 'a' });
  await vi.advanceTimersByTimeAsync(60_000);
  expect(await found).toEqual([]);
  expect(sent.at(-1)).toEqual({ blobReport: { left: ['sha256:aa'] } });
});

test('an answer that does not come, a lost link and a caller that leaves end the wait', async () => {
  const late = desk.find('sha256:aa', 60_000, {});
  await vi.advanceTimersByTimeAsync(2_000);
  expect(await late).toEqual([]);
  const lost = desk.find('sha256:bb', 60_000, {});
  desk.disconnected();
  expect(await lost).toEqual([]);
  const caller = new AbortController();
  const left = desk.find('sha256:cc', 60_000, { signal: caller.signal });
  caller.abort(new Error('the pod is gone'));
  await expect(left).rejects.toThrow('the pod is gone');
});

test('a verdict holds a while, a refusal only briefly', async () => {
  const answer = (refusal: string) => {
    const { id } = sent.at(-1)!.peerCheck as { id: number };
    desk.verdict({ id, refusal });
  };
  const first = desk.refusal('b', 'image');
  answer('no pod');
  expect(await first).toBe('no pod');
  await vi.advanceTimersByTimeAsync(2_001);
  const second = desk.refusal('b', 'image');
  answer('');
  expect(await second).toBe('');
  await vi.advanceTimersByTimeAsync(50_000);
  expect(await desk.refusal('b', 'image')).toBe('');
  expect(sent.filter(({ peerCheck }) => peerCheck)).toHaveLength(2);
});

test('an inventory of many blobs goes in parts', () => {
  desk.inventory(Array.from({ length: 12_000 }, (_, index) => `sha256:${index}`));
  const parts = sent.map(({ blobReport }) => [
    blobReport?.reset ?? false,
    blobReport?.have?.length,
  ]);
  expect(parts).toEqual([
    [true, 5000],
    [false, 5000],
    [false, 2000],
  ]);
});
