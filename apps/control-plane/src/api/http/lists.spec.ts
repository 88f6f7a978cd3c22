import { afterAll, beforeAll, expect, test } from 'vitest';
import { type ApiFixture, type Json, startApi } from '../testing/api-fixture.js';

let api: ApiFixture;
const maps = '/api/v1/namespaces/default/configmaps';
const names = ['a', 'b', 'c', 'd', 'e'];

beforeAll(async () => {
  api = await startApi();
  for (const name of ['default', 'other']) {
    await api.call('POST', '/api/v1/namespaces', { metadata: { name } });
  }
  for (const [index, name] of names.entries()) {
    const labels = { parity: index % 2 === 0 ? 'even' : 'odd' };
    await api.call('POST', maps, { metadata: { name, labels } });
  }
  await api.call('POST', '/api/v1/namespaces/other/configmaps', { metadata: { name: 'a' } });
});
afterAll(() => api[Symbol.asyncDispose]());

const namesIn = (list: Json): string[] => list.items.map((item: Json) => item.metadata.name);

test('a list has a kind, a revision, and items without a kind of their own', async () => {
  const { body } = await api.call('GET', maps);
  expect([body.kind, body.apiVersion, namesIn(body)]).toEqual(['ConfigMapList', 'v1', names]);
  expect(body.metadata.resourceVersion).toMatch(/^\d+$/);
  expect(body.items[0]).not.toHaveProperty('kind');
  expect(namesIn((await api.call('GET', '/api/v1/configmaps')).body)).toHaveLength(6);
});

test.each([
  ['labelSelector=parity%3Deven', ['a', 'c', 'e']],
  ['labelSelector=parity+notin+%28even%29', ['b', 'd']],
  ['fieldSelector=metadata.name%3Db', ['b']],
  ['labelSelector=parity%3Dodd&fieldSelector=metadata.name%21%3Db', ['d']],
])('selects by %s', async (query, expected) => {
  for (const version of ['', '&resourceVersion=0']) {
    expect(namesIn((await api.call('GET', `${maps}?${query}${version}`)).body)).toEqual(expected);
  }
});

async function pages(query: string): Promise<{ pages: string[][]; revisions: Set<string> }> {
  const found: string[][] = [];
  const revisions = new Set<string>();
  let token: string | undefined = '';
  while (token !== undefined) {
    const rest: string = token && `&continue=${encodeURIComponent(token)}`;
    const { body } = await api.call('GET', `${maps}?${query}${rest}`);
    found.push(namesIn(body));
    revisions.add(body.metadata.resourceVersion);
    token = body.metadata.continue;
    // What is written between two pages belongs to none of them.
    await api.call('POST', maps, {
      metadata: { name: `c${found.length}${query.length}`, labels: { parity: 'late' } },
    });
  }
  for (const name of namesIn((await api.call('GET', `${maps}?labelSelector=parity%3Dlate`)).body)) {
    await api.call('DELETE', `${maps}/${name}`);
  }
  return { pages: found, revisions };
}

test('pages show one state, whatever is written meanwhile', async () => {
  const all = await pages('limit=2');
  expect(all.pages).toEqual([['a', 'b'], ['c', 'd'], ['e']]);
  expect(all.revisions.size).toBe(1);
  const even = await pages('limit=1&labelSelector=parity%3Deven');
  expect(even.pages).toEqual([['a'], ['c'], ['e']]);
});

test('counts what is left, but not under a selector', async () => {
  const page = (await api.call('GET', `${maps}?limit=2`)).body;
  expect(page.metadata.remainingItemCount).toBe(3);
  const selected = (await api.call('GET', `${maps}?limit=1&labelSelector=parity`)).body;
  expect(selected.metadata).not.toHaveProperty('remainingItemCount');
});

test('reads the past exactly, and refuses the future', async () => {
  const { resourceVersion } = (await api.call('GET', maps)).body.metadata;
  await api.call('POST', maps, { metadata: { name: 'z' } });
  const exact = `resourceVersion=${resourceVersion}&resourceVersionMatch=Exact`;
  expect(namesIn((await api.call('GET', `${maps}?${exact}`)).body)).toEqual(names);
  await api.call('DELETE', `${maps}/z`);
  const future = await api.call('GET', `${maps}?resourceVersion=999999999`);
  expect([future.status, future.body.reason]).toEqual([504, 'Timeout']);
  expect(future.body.details.causes[0].reason).toBe('ResourceVersionTooLarge');
});

test('a page that waited too long is told to start again', async () => {
  const { metadata } = (await api.call('GET', `${maps}?limit=2`)).body;
  await api.call('POST', maps, { metadata: { name: 'later' } });
  await api.call('DELETE', `${maps}/later`);
  const now = BigInt((await api.call('GET', maps)).body.metadata.resourceVersion);
  await api.objects.store.compact(now);
  for (const query of ['limit=2', 'limit=2&labelSelector=parity']) {
    const { status, body } = await api.call(
      'GET',
      `${maps}?${query}&continue=${metadata.continue}`,
    );
    expect([status, body.reason]).toEqual([410, 'Expired']);
  }
});

const forged = Buffer.from(
  JSON.stringify({ v: 'gantry/1', revision: '5', start: 'registry/core/a' }),
).toString('base64url');

test.each([
  ['limit=x', 'limit'],
  ['limit=-1', 'limit'],
  ['continue=garbage', 'continue key is not valid'],
  [`continue=${forged}`, 'continue key is not valid'],
  ['resourceVersion=abc', 'resourceVersion'],
  ['resourceVersionMatch=Exact', 'resourceVersionMatch is forbidden unless'],
  ['fieldSelector=spec.foo%3Dx', 'field label not supported: spec.foo'],
  ['labelSelector=%3D%3D', 'label selector'],
  ['watch=perhaps', 'watch'],
])('refuses %s', async (query, text) => {
  const { status, body } = await api.call('GET', `${maps}?${query}`);
  expect([status, body.reason]).toEqual([400, 'BadRequest']);
  expect(body.message).toContain(text);
});
