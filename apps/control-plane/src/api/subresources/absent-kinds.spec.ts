import { expect, test } from 'vitest';
import { startApi } from '../testing/api-fixture.js';

const paths = [
  '/api/v1/replicationcontrollers',
  '/api/v1/services',
  '/apis/apiextensions.k8s.io/v1/customresourcedefinitions',
  '/apis/apps/v1/statefulsets',
  '/apis/storage.k8s.io/v1/csidrivers',
  '/apis/storage.k8s.io/v1/csinodes',
  '/apis/storage.k8s.io/v1/csistoragecapacities',
  '/apis/storage.k8s.io/v1/volumeattachments',
];

test('clients find empty lists and quiet watches', async () => {
  await using api = await startApi();
  const check = async (path: string) => {
    const { status, body } = await api.call('GET', `${path}?limit=500&resourceVersion=0`);
    expect(status, path).toBe(200);
    expect(body, path).toMatchObject({ items: [], metadata: { resourceVersion: '1' } });
    expect(body.kind, path).toMatch(/^[A-Z]\w+List$/);
    const watch = `${path}?watch=true&resourceVersion=1&allowWatchBookmarks=true&timeoutSeconds=1`;
    const seen = await fetch(api.url + watch);
    expect([seen.status, await seen.text()], path).toEqual([200, '']);
  };
  await Promise.all(paths.map(check));
});

test('nobody is told that they are served, and nothing can be put there', async () => {
  await using api = await startApi();
  const { resources } = (await api.call('GET', '/api/v1')).body;
  const names = resources.map(({ name }: { name: string }) => name);
  expect(names).toContain('pods');
  expect(names).not.toContain('services');
  const services = '/api/v1/namespaces/default/services';
  expect((await api.call('GET', `${services}/web`)).status).toBe(404);
  expect((await api.call('POST', services, { metadata: { name: 'web' } })).status).toBe(405);
  const initial = '/api/v1/services?watch=true&sendInitialEvents=true';
  expect((await api.call('GET', initial)).status).toBe(422);
});
