import { afterAll, beforeAll, expect, test } from 'vitest';
import { type ApiFixture, type Json, startApi } from '../testing/api-fixture.js';

let api: ApiFixture;
beforeAll(async () => {
  api = await startApi();
  const kind = { group: '', version: 'v1', plural: 'pods', namespaced: true };
  const handle = async () => ({ json: {} });
  api.api.subresources.register({ kind, name: 'log', verbs: ['get'], handle });
});
afterAll(() => api[Symbol.asyncDispose]());

const get = (path: string, accept?: string) =>
  api.call('GET', path, undefined, accept ? { accept } : {});

test('lists groups and versions in the old form', async () => {
  expect((await get('/api')).body).toMatchObject({ kind: 'APIVersions', versions: ['v1'] });
  const { body } = await get('/apis', 'application/json, */*');
  const apps = body.groups.find((group: Json) => group.name === 'apps');
  expect(apps).toEqual({
    name: 'apps',
    versions: [{ groupVersion: 'apps/v1', version: 'v1' }],
    preferredVersion: { groupVersion: 'apps/v1', version: 'v1' },
  });
  expect((await get('/apis/apps')).body).toMatchObject({ kind: 'APIGroup', name: 'apps' });
});

test('lists resources with their subresources', async () => {
  const { resources, groupVersion } = (await get('/api/v1')).body;
  const byName = new Map(resources.map((each: Json) => [each.name, each]));
  expect(groupVersion).toBe('v1');
  expect(byName.get('pods')).toMatchObject({
    singularName: 'pod',
    namespaced: true,
    kind: 'Pod',
    shortNames: ['po'],
    categories: ['all'],
    verbs: expect.arrayContaining(['get', 'list', 'watch', 'create', 'deletecollection']),
  });
  expect(byName.get('pods/eviction')).toMatchObject({
    group: 'policy',
    version: 'v1',
    kind: 'Eviction',
  });
  expect(byName.get('pods/log')).toMatchObject({ kind: 'Pod', verbs: ['get'] });
  const deployments = (await get('/apis/apps/v1')).body.resources;
  expect(deployments).toContainEqual(
    expect.objectContaining({ name: 'deployments/scale', group: 'autoscaling', kind: 'Scale' }),
  );
});

test.each(['v2', 'v2beta1'])(
  'aggregates everything as %s, under its exact media type',
  async (version) => {
    const type = `application/json;g=apidiscovery.k8s.io;v=${version};as=APIGroupDiscoveryList`;
    const { body, headers } = await get('/apis', `${type},application/json`);
    expect(headers.get('content-type')).toBe(type);
    expect(body.apiVersion).toBe(`apidiscovery.k8s.io/${version}`);
    const apps = body.items.find((item: Json) => item.metadata.name === 'apps');
    const deployments = apps.versions[0].resources.find(
      (each: Json) => each.resource === 'deployments',
    );
    expect(deployments).toMatchObject({
      scope: 'Namespaced',
      singularResource: 'deployment',
      responseKind: { group: 'apps', version: 'v1', kind: 'Deployment' },
    });
    const subresources = deployments.subresources.map((each: Json) => each.subresource);
    expect(subresources).toEqual(['scale', 'status']);
    const core = await get('/api', type);
    expect(core.body.items.map((item: Json) => item.metadata.name)).toEqual(['']);
  },
);

test('answers 304 to whoever has the newest discovery', async () => {
  const accept = 'application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList';
  const etag = (await get('/apis', accept)).headers.get('etag')!;
  const again = await api.call('GET', '/apis', undefined, { accept, 'if-none-match': etag });
  expect(again.status).toBe(304);
});

test('OpenAPI v3 says that the server checks fields itself', async () => {
  const { paths } = (await get('/openapi/v3')).body;
  expect(Object.keys(paths)).toEqual(expect.arrayContaining(['api/v1', 'apis/apps/v1']));
  const { body } = await get(paths['apis/apps/v1'].serverRelativeURL);
  const { patch } = body.paths['/apis/apps/v1/namespaces/{namespace}/deployments/{name}'];
  const names = patch.parameters.map((parameter: Json) => parameter.name);
  expect(names).toEqual(expect.arrayContaining(['fieldValidation', 'dryRun']));
  expect(patch['x-kubernetes-group-version-kind']).toMatchObject({
    group: 'apps',
    kind: 'Deployment',
  });
  expect((await get('/openapi/v3/apis/none/v1')).status).toBe(404);
});

test('OpenAPI v2 has the same schemas, as JSON or as protobuf', async () => {
  const { body, headers } = await get('/openapi/v2');
  expect([headers.get('content-type'), body.swagger]).toEqual(['application/json', '2.0']);
  const { template } = body.definitions['io.k8s.api.apps.v1.DeploymentSpec'].properties;
  expect(template.$ref).toMatch(/^#\/definitions\/.*\.PodTemplateSpec$/);
  const type = 'application/com.github.proto-openapi.spec.v2@v1.0+protobuf';
  const protobuf = await get('/openapi/v2', type);
  expect(protobuf.headers.get('content-type')).toBe('application/octet-stream');
  expect(protobuf.body).toContain('io.k8s.api.apps.v1.DeploymentSpec');
});

test('says its version', async () => {
  const { body } = await get('/version');
  expect([body.major, body.minor]).toEqual(['1', '32']);
  expect(body.gitVersion).toMatch(/^v1\.\d+\.\d+/);
});

const tableType = 'application/json;as=Table;v=v1;g=meta.k8s.io';

test('answers with Tables, and with metadata alone, to those who ask', async () => {
  const table = (await get('/api/v1/namespaces', `${tableType},application/json`)).body;
  expect([table.kind, table.apiVersion]).toEqual(['Table', 'meta.k8s.io/v1']);
  expect(table.columnDefinitions[0].name).toBe('Name');
  await api.call('POST', '/api/v1/namespaces', { metadata: { name: 'tabled' } });
  const one = (await get('/api/v1/namespaces/tabled', tableType)).body;
  expect(one.rows[0].object.kind).toBe('PartialObjectMetadata');
  const full = (await get('/api/v1/namespaces?includeObject=Object', tableType)).body;
  expect(full.rows[0].object.kind).toBe('Namespace');
  const older = (await get('/api/v1/namespaces', tableType.replace('v=v1', 'v=v1beta1'))).body;
  expect(older.apiVersion).toBe('meta.k8s.io/v1beta1');
  const metadata = 'application/json;as=PartialObjectMetadataList;v=v1;g=meta.k8s.io';
  const partial = (await get('/api/v1/namespaces', metadata)).body;
  expect([partial.kind, Object.keys(partial.items[0])]).toEqual([
    'PartialObjectMetadataList',
    ['kind', 'apiVersion', 'metadata'],
  ]);
});

test('answers in YAML on demand', async () => {
  await api.call('POST', '/api/v1/namespaces', { metadata: { name: 'yaml' } });
  const { body, headers } = await get('/api/v1/namespaces/yaml', 'application/yaml');
  expect(headers.get('content-type')).toBe('application/yaml');
  expect(body).toContain('kind: Namespace\n');
});

test('counts requests by verb, resource and code, and never by what clients made up', async () => {
  await get('/api/v1/namespaces/nowhere');
  await get('/api/v1/gadgets-of-my-own');
  const text = await api.metrics.metrics();
  expect(text).toMatch(
    /apiserver_request_total\{verb="GET",.*resource="namespaces",.*code="404"\} 1/,
  );
  expect(text).not.toContain('gadgets');
  expect(text).toMatch(/apiserver_request_duration_seconds_count\{verb="LIST".*\} \d/);
});
