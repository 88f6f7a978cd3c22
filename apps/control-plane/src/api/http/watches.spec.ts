import { afterAll, beforeAll, expect, test } from 'vitest';
import { type ApiFixture, startApi } from '../testing/api-fixture.js';
import { openWatch } from '../testing/watch-reader.js';

let api: ApiFixture;
beforeAll(async () => {
  api = await startApi();
  await api.call('POST', '/api/v1/namespaces', { metadata: { name: 'default' } });
});
afterAll(() => api[Symbol.asyncDispose]());

/** A namespace of the test's own, so that it sees its own events alone. */
async function place(name: string): Promise<string> {
  await api.call('POST', '/api/v1/namespaces', { metadata: { name } });
  return `/api/v1/namespaces/${name}/configmaps`;
}

const map = (name: string, labels = {}) => ({ metadata: { name, labels } });
const newestOf = async (path: string): Promise<string> =>
  (await api.call('GET', path)).body.metadata.resourceVersion;

test('sends headers before there is any event', async () => {
  const maps = await place('headers');
  await using watch = await openWatch(
    api,
    `${maps}?watch=1&resourceVersion=${await newestOf(maps)}`,
  );
  expect([watch.status, watch.headers.get('content-type')]).toEqual([200, 'application/json']);
});

test.each(['', '&resourceVersion=0'])(
  'shows the state first, then what follows%s',
  async (version) => {
    const maps = await place(`state${version.length}`);
    await api.call('POST', maps, map('a'));
    await using watch = await openWatch(api, `${maps}?watch=True${version}`);
    expect(await watch.take(1)).toEqual(['ADDED a']);
    await api.call('POST', maps, map('b'));
    await api.call('PATCH', `${maps}/a`, { data: { x: '1' } }, merge);
    await api.call('DELETE', `${maps}/b`);
    expect(await watch.take(3)).toEqual(['ADDED b', 'MODIFIED a', 'DELETED b']);
  },
);

const merge = { 'content-type': 'application/merge-patch+json' };

test('resumes behind a revision without gap or repetition', async () => {
  const maps = await place('resume');
  const { body } = await api.call('POST', maps, map('a'));
  await api.call('POST', maps, map('b'));
  const from = body.metadata.resourceVersion;
  await using watch = await openWatch(api, `${maps}?watch=true&resourceVersion=${from}`);
  const event = await watch.next();
  expect([event.type, event.object.kind, event.object.metadata.name]).toEqual([
    'ADDED',
    'ConfigMap',
    'b',
  ]);
  await api.call('DELETE', `${maps}/a`);
  const deleted = await watch.next();
  expect(deleted.type).toBe('DELETED');
  const { resourceVersion } = deleted.object.metadata;
  expect(BigInt(resourceVersion)).toBeGreaterThan(BigInt(from));
  // In its last state.
  expect(deleted.object).toEqual({ ...body, metadata: { ...body.metadata, resourceVersion } });
});

test('objects enter and leave a selection as ADDED and DELETED', async () => {
  const maps = await place('selection');
  const from = await newestOf(maps);
  await using watch = await openWatch(
    api,
    `${maps}?watch=true&resourceVersion=${from}&labelSelector=${encodeURIComponent('app in (web)')}`,
  );
  await api.call('POST', maps, map('a'));
  await api.call('PATCH', `${maps}/a`, { metadata: { labels: { app: 'web' } } }, merge);
  await api.call('PATCH', `${maps}/a`, { data: { x: '1' } }, merge);
  await api.call('PATCH', `${maps}/a`, { metadata: { labels: { app: 'db' } } }, merge);
  await api.call('POST', maps, map('b', { app: 'web' }));
  await api.call('DELETE', `${maps}/b`);
  expect(await watch.take(5)).toEqual([
    'ADDED a',
    'MODIFIED a',
    'DELETED a',
    'ADDED b',
    'DELETED b',
  ]);
});

test('follows one object by field selector or by its own path', async () => {
  const maps = await place('single');
  for (const name of ['a', 'b']) await api.call('POST', maps, map(name));
  await using bySelector = await openWatch(api, `${maps}?watch=1&fieldSelector=metadata.name%3Db`);
  await using byPath = await openWatch(api, `${maps}/b?watch=1`);
  expect([await bySelector.take(1), await byPath.take(1)]).toEqual([['ADDED b'], ['ADDED b']]);
});

test('initial events end with an annotated bookmark, and live events follow', async () => {
  const maps = await place('streaming');
  await api.call('POST', maps, map('a'));
  const query = 'allowWatchBookmarks=true&resourceVersionMatch=NotOlderThan&sendInitialEvents=true';
  await using watch = await openWatch(api, `${maps}?${query}&watch=true`);
  expect(await watch.take(1)).toEqual(['ADDED a']);
  const bookmark = await watch.next();
  expect([bookmark.type, bookmark.object.kind]).toEqual(['BOOKMARK', 'ConfigMap']);
  expect(bookmark.object.metadata.annotations).toEqual({ 'k8s.io/initial-events-end': 'true' });
  expect(bookmark.object.metadata.resourceVersion).toBe(await newestOf(maps));
  await api.call('POST', maps, map('b'));
  expect(await watch.take(1)).toEqual(['ADDED b']);
});

test('ends normally after timeoutSeconds', async () => {
  const maps = await place('timeout');
  await using watch = await openWatch(api, `${maps}?watch=1&timeoutSeconds=1`);
  expect(await watch.next()).toBeUndefined();
});

test('tells a watcher whose revision is compacted to start again', async () => {
  const maps = await place('old');
  const from = await newestOf(maps);
  await api.call('POST', maps, map('a'));
  await using fresh = await startApi();
  await fresh.call('POST', '/api/v1/namespaces', { metadata: { name: 'old' } });
  const answer = await fresh.call('GET', `${maps}?watch=1&resourceVersion=1`);
  expect([answer.status, answer.body.reason]).toEqual([410, 'Expired']);
  expect(from).not.toBe('1');
});

test('a Table watch names its columns once', async () => {
  const maps = await place('table');
  await api.call('POST', maps, map('a'));
  const accept = 'application/json;as=Table;v=v1;g=meta.k8s.io,application/json';
  await using watch = await openWatch(api, `${maps}?watch=1`, { accept });
  const first = await watch.next();
  await api.call('POST', maps, map('b'));
  const second = await watch.next();
  expect([first.object.kind, first.object.columnDefinitions.length > 0]).toEqual(['Table', true]);
  expect([second.object.rows[0].cells[0], second.object.columnDefinitions]).toEqual([
    'b',
    undefined,
  ]);
});
