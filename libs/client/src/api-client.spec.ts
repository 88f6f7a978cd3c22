import { ConfigMapKind, PodKind } from '@gantry/api';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ApiClient } from './api-client.js';
import { cut, FaultyServer, json } from './testing/faulty-server.js';
import { makeTestCertificates } from './testing/test-certificates.js';

let server: FaultyServer;
let client: ApiClient;
const warnings: string[] = [];
const certificates = makeTestCertificates();
const object = { metadata: { name: 'a', namespace: 'n' } };
const status = (code: number, reason: string, message: string) => ({
  kind: 'Status',
  apiVersion: 'v1',
  status: 'Failure',
  code,
  reason,
  message,
  details: { name: 'a', kind: 'configmaps' },
});

beforeAll(async () => {
  server = await FaultyServer.start(certificates);
  client = new ApiClient(server.cluster, {
    attempts: 3,
    timeoutMs: 2_000,
    onWarning: (w) => warnings.push(w),
  });
});

afterAll(async () => {
  client.close();
  await server.close();
});

describe('requests', () => {
  it('go to the paths of Kubernetes', async () => {
    server.reset(json({ metadata: {}, items: [] }));
    await client.get(ConfigMapKind, { namespace: 'n', name: 'a/b' });
    await client.list(PodKind, { labelSelector: 'a=b', limit: 5 });
    await client.create(ConfigMapKind, object, { dryRun: true, fieldManager: 'me' });
    await client.patch(
      ConfigMapKind,
      { namespace: 'n', name: 'a', subresource: 'status' },
      'merge',
      {},
    );
    expect(server.requests).toEqual([
      'GET /api/v1/namespaces/n/configmaps/a%2Fb',
      'GET /api/v1/pods?labelSelector=a%3Db&limit=5',
      'POST /api/v1/namespaces/n/configmaps?dryRun=All&fieldManager=me',
      'PATCH /api/v1/namespaces/n/configmaps/a/status',
    ]);
  });

  it('need a certificate of the CA on both sides', async () => {
    const { server: address, caPem } = server.cluster;
    const anonymous = new ApiClient({ server: address, caPem }, { attempts: 1 });
    await expect(anonymous.get(ConfigMapKind, { name: 'a' })).rejects.toMatchObject({
      reason: 'ServiceUnavailable',
    });
    const stranger = new ApiClient(
      { ...server.cluster, caPem: makeTestCertificates().ca },
      { attempts: 1 },
    );
    await expect(stranger.get(ConfigMapKind, { name: 'a' })).rejects.toThrow(
      'not the one this kubeconfig trusts',
    );
  });

  it('fail with the error of the Status, or by the code', async () => {
    server.reset(json(status(409, 'AlreadyExists', 'configmaps "a" already exists'), 409));
    await expect(client.create(ConfigMapKind, object)).rejects.toMatchObject({
      reason: 'AlreadyExists',
      message: 'configmaps "a" already exists',
      details: { name: 'a' },
    });
    server.reset((_, response) => response.writeHead(418).end('short and stout'));
    await expect(client.get(ConfigMapKind, { name: 'a' })).rejects.toThrow(
      'the server answered 418: short and stout',
    );
    server.reset((_, response) => response.writeHead(200).end('<html>'));
    await expect(client.get(ConfigMapKind, { name: 'a' })).rejects.toThrow(
      'was not answered with JSON',
    );
  });

  it('hand on warnings', async () => {
    server.reset(
      json(object, 200, { warning: '299 - "unknown field \\"spec.x\\"", 299 - "second"' }),
    );
    await client.get(ConfigMapKind, { name: 'a' });
    expect(warnings).toEqual(['unknown field "spec.x"', 'second']);
  });
});

describe('retries', () => {
  it('repeat reads after a cut connection and 503, and stop at the bound', async () => {
    server.reset(cut, json(status(503, 'ServiceUnavailable', 'no leader'), 503), json(object));
    await expect(client.get(ConfigMapKind, { name: 'a' })).resolves.toEqual(object);
    expect(server.requests).toHaveLength(3);
    server.reset(json(status(503, 'ServiceUnavailable', 'no leader'), 503));
    await expect(client.get(ConfigMapKind, { name: 'a' })).rejects.toThrow('no leader');
    expect(server.requests).toHaveLength(3);
  });

  it('never repeat a write that may have happened', async () => {
    server.reset(cut, json(object, 201));
    await expect(client.create(ConfigMapKind, object)).rejects.toThrow('the connection was cut');
    expect(server.requests).toHaveLength(1);
  });

  it('repeat a write that the server put off', async () => {
    server.reset(
      json(status(429, 'TooManyRequests', 'slow down'), 429, { 'retry-after': '0' }),
      json(object, 201),
    );
    await expect(client.create(ConfigMapKind, object)).resolves.toEqual(object);
  });

  it('end when the answer does not come', async () => {
    const hasty = new ApiClient(server.cluster, { attempts: 1, timeoutMs: 50 });
    server.reset(() => undefined);
    await expect(hasty.get(ConfigMapKind, { name: 'a' })).rejects.toThrow(
      'the connection timed out',
    );
    hasty.close();
  });

  it('say that nothing listens', async () => {
    const gone = new ApiClient({ server: 'https://127.0.0.1:1' }, { attempts: 1 });
    await expect(gone.get(ConfigMapKind, { name: 'a' })).rejects.toThrow(
      'cannot reach https://127.0.0.1:1: nothing listens there; is the control plane running?',
    );
  });
});

describe('lists', () => {
  it('are read page by page and typed', async () => {
    server.reset(
      json({
        metadata: { resourceVersion: '7', continue: 'x' },
        items: [{ metadata: { name: 'a' } }],
      }),
      json({ metadata: { resourceVersion: '7' }, items: [{ metadata: { name: 'b' } }] }),
    );
    const list = await client.listAll(ConfigMapKind, { namespace: 'n' });
    expect(list.metadata).toEqual({ resourceVersion: '7' });
    expect(list.items.map(({ kind, metadata }) => `${kind}/${metadata.name}`)).toEqual([
      'ConfigMap/a',
      'ConfigMap/b',
    ]);
    expect(server.requests[1]).toBe('GET /api/v1/namespaces/n/configmaps?limit=500&continue=x');
  });

  it('come as Tables', async () => {
    const accepted: unknown[] = [];
    server.reset(
      (request, response) => {
        accepted.push(request.headers.accept);
        json({ kind: 'Table', metadata: { continue: 'y' }, rows: [{ cells: [1] }] })(
          request,
          response,
        );
      },
      json({ kind: 'Table', metadata: {}, rows: [{ cells: [2] }] }),
    );
    const table = await client.table(PodKind, { namespace: 'n' });
    expect(table.rows.map(({ cells }) => cells)).toEqual([[1], [2]]);
    expect(accepted[0]).toContain('as=Table');
  });
});
