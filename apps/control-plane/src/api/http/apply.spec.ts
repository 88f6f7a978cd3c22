import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type ApiFixture, startApi } from '../testing/api-fixture.js';

let api: ApiFixture;
const deployments = '/apis/apps/v1/namespaces/default/deployments';
const applyType = { 'content-type': 'application/apply-patch+yaml' };

beforeAll(async () => {
  api = await startApi();
  await api.call('POST', '/api/v1/namespaces', { metadata: { name: 'default' } });
});
afterAll(() => api[Symbol.asyncDispose]());

const deployment = (name: string, replicas?: number, labels?: Record<string, string>) => ({
  apiVersion: 'apps/v1',
  kind: 'Deployment',
  metadata: { name, labels },
  spec: {
    replicas,
    selector: { matchLabels: { app: name } },
    template: {
      metadata: { labels: { app: name } },
      spec: { containers: [{ name: 'web', image: 'web:1' }] },
    },
  },
});

function apply(name: string, body: unknown, query = '?fieldManager=kubectl') {
  return api.call('PATCH', `${deployments}/${name}${query}`, body, applyType);
}

interface Entry {
  readonly manager: string;
  readonly operation: string;
  readonly fieldsV1: Record<string, Record<string, unknown>>;
}

const managers = (body: { metadata: { managedFields?: Entry[] } }) =>
  (body.metadata.managedFields ?? []).map((entry) => `${entry.manager} ${entry.operation}`).sort();

describe('server-side apply', () => {
  test('creates, then changes, and writes nothing when nothing changes', async () => {
    const created = await apply('web', deployment('web', 2));
    expect([created.status, managers(created.body)]).toEqual([201, ['kubectl Apply']]);
    const [entry] = created.body.metadata.managedFields as [Entry];
    expect(entry.fieldsV1['f:spec']).toHaveProperty('f:replicas');
    expect(entry.fieldsV1['f:spec']).not.toHaveProperty('f:strategy');

    const same = await apply('web', deployment('web', 2));
    expect([same.status, same.body.metadata]).toEqual([200, created.body.metadata]);
    const changed = await apply('web', deployment('web', 3));
    expect([changed.status, changed.body.spec.replicas]).toEqual([200, 3]);
    expect(changed.body.metadata.generation).toBe(2);
  });

  test('takes away what this manager applied before and no longer does', async () => {
    await apply('pruned', deployment('pruned', 1, { kept: 'yes', gone: 'soon' }));
    const { body } = await apply('pruned', deployment('pruned', 1, { kept: 'yes' }));
    expect(body.metadata.labels).toEqual({ kept: 'yes' });
  });

  test('names the fields that others own, and takes them when forced', async () => {
    const query = '?fieldManager=kubectl-create';
    await api.call('POST', `${deployments}${query}`, deployment('owned', 1));
    const refused = await apply('owned', deployment('owned', 5));
    expect([refused.status, refused.body.reason]).toEqual([409, 'Conflict']);
    const conflict = 'conflict with "kubectl-create" using apps/v1';
    expect(refused.body.message).toBe(`Apply failed with 1 conflict: ${conflict}: .spec.replicas`);
    expect(refused.body.details.causes).toEqual([
      { reason: 'FieldManagerConflict', message: conflict, field: '.spec.replicas' },
    ]);
    const forced = await apply('owned', deployment('owned', 5), '?fieldManager=kubectl&force=true');
    expect([forced.status, forced.body.spec.replicas]).toEqual([200, 5]);
    expect(managers(forced.body)).toEqual(['kubectl Apply', 'kubectl-create Update']);
  });

  test('shares equal values among managers, of whom each can let go', async () => {
    await apply('shared', deployment('shared', 2, { team: 'a' }), '?fieldManager=one');
    const { body } = await apply(
      'shared',
      deployment('shared', 2, { team: 'a' }),
      '?fieldManager=two',
    );
    expect(managers(body)).toEqual(['one Apply', 'two Apply']);
    const left = await apply('shared', deployment('shared', 2), '?fieldManager=one');
    expect(left.body.metadata.labels).toEqual({ team: 'a' });
    const gone = await apply('shared', deployment('shared', 2), '?fieldManager=two');
    expect(gone.body.metadata.labels).toBeUndefined();
  });

  test('stores nothing on a dry run', async () => {
    const query = '?fieldManager=kubectl&dryRun=All';
    expect((await apply('dry', deployment('dry', 1), query)).status).toBe(201);
    expect((await api.call('GET', `${deployments}/dry`)).status).toBe(404);
    await apply('dry', deployment('dry', 1));
    expect((await apply('dry', deployment('dry', 9), query)).body.spec.replicas).toBe(9);
    expect((await api.call('GET', `${deployments}/dry`)).body.spec.replicas).toBe(1);
  });

  test('takes YAML', async () => {
    const yaml = [
      'apiVersion: v1',
      'kind: ConfigMap',
      'metadata:',
      '  name: yaml',
      'data:',
      '  color: blue',
    ].join('\n');
    const path = '/api/v1/namespaces/default/configmaps/yaml?fieldManager=me';
    const { status, body } = await api.call('PATCH', path, Buffer.from(yaml), applyType);
    expect([status, body.data]).toEqual([201, { color: 'blue' }]);
  });

  test('takes the name from the URL when the object says none', async () => {
    const path = '/api/v1/namespaces/default/configmaps/unnamed?fieldManager=me';
    const object = { apiVersion: 'v1', kind: 'ConfigMap', data: { a: 'b' } };
    const { status, body } = await api.call('PATCH', path, object, applyType);
    expect([status, body.metadata.name]).toEqual([201, 'unnamed']);
  });

  test('applies a status without owning the rest', async () => {
    await apply('stated', deployment('stated', 1));
    const object = { ...deployment('stated', 7), status: { replicas: 4 } };
    const path = `${deployments}/stated/status?fieldManager=observer`;
    const { status, body } = await api.call('PATCH', path, object, applyType);
    expect([status, body.status.replicas, body.spec.replicas]).toEqual([200, 4, 1]);
    const own = body.metadata.managedFields.find((entry: Entry) => entry.manager === 'observer');
    expect(own).toMatchObject({ subresource: 'status', fieldsV1: { 'f:status': {} } });
    expect(own.fieldsV1).not.toHaveProperty('f:spec');
  });
});

describe('refuses', () => {
  test('an apply without a manager', async () => {
    const { status, body } = await apply('nobody', deployment('nobody', 1), '');
    expect([status, body.reason]).toEqual([422, 'Invalid']);
    expect(body.message).toBe(
      'PatchOptions.meta.k8s.io "" is invalid: ' +
        'fieldManager: Required value: is required for apply patch',
    );
    expect(body.details).toMatchObject({
      kind: 'PatchOptions',
      causes: [{ reason: 'FieldValueRequired', field: 'fieldManager' }],
    });
  });

  test.each([
    ['a manager that is too long', `?fieldManager=${'m'.repeat(129)}`, {}, 422],
    ['an unprintable manager', '?fieldManager=%00', {}, 422],
    ['another name than that of the URL', undefined, { metadata: { name: 'other' } }, 400],
    ['managed fields', undefined, { metadata: { name: 'bad', managedFields: [{}] } }, 400],
    ['a stale version', undefined, { metadata: { name: 'bad', resourceVersion: '1' } }, 409],
    ['what is no object', undefined, 'text', 400],
  ])('%s', async (_, query, changes, code) => {
    await apply('bad', deployment('bad', 1));
    const body =
      typeof changes === 'string' ? Buffer.from(changes) : { ...deployment('bad', 1), ...changes };
    expect((await apply('bad', body, query)).status).toBe(code);
  });

  test('force where nothing is applied', async () => {
    await apply('unforced', deployment('unforced', 1));
    const path = `${deployments}/unforced?force=true`;
    const type = { 'content-type': 'application/merge-patch+json' };
    const { status, body } = await api.call('PATCH', path, {}, type);
    expect([status, body.details.causes[0].reason]).toEqual([422, 'FieldValueForbidden']);
  });
});

describe('managedFields of other writes', () => {
  test('name who wrote: the manager given, else the product of the user agent', async () => {
    const agent = { 'user-agent': 'kubectl/v1.33.0 (linux/amd64)' };
    const { body } = await api.call('POST', deployments, deployment('tracked', 1), agent);
    expect(managers(body)).toEqual(['kubectl Update']);
    const path = `${deployments}/tracked`;
    const scaled = { ...body, spec: { ...body.spec, replicas: 4 } };
    delete scaled.metadata.managedFields;
    const put = await api.call('PUT', `${path}?fieldManager=scaler`, scaled, agent);
    expect(managers(put.body)).toEqual(['kubectl Update', 'scaler Update']);
    const again = await api.call('PUT', `${path}?fieldManager=scaler`, put.body, agent);
    expect(again.body.metadata).toEqual(put.body.metadata);
  });

  test('are not what a client claims', async () => {
    const claimed = { manager: 'root', operation: 'Apply', fieldsType: 'FieldsV1', fieldsV1: {} };
    const object = deployment('claimed', 1);
    const metadata = { ...object.metadata, managedFields: [claimed] };
    const { body } = await api.call('POST', `${deployments}?fieldManager=me`, {
      ...object,
      metadata,
    });
    expect(managers(body)).toEqual(['me Update']);
  });

  test('are turned over by a patch, and by none that is malformed', async () => {
    const { body } = await api.call(
      'POST',
      `${deployments}?fieldManager=old`,
      deployment('turned', 1),
    );
    const [entry] = body.metadata.managedFields as [Entry];
    const patched = (managedFields: unknown[]) =>
      api.call(
        'PATCH',
        `${deployments}/turned?fieldManager=new`,
        { metadata: { managedFields } },
        {
          'content-type': 'application/merge-patch+json',
        },
      );
    const turned = await patched([{ ...entry, manager: 'new', operation: 'Apply' }]);
    expect([turned.status, managers(turned.body)]).toEqual([200, ['new Apply']]);
    for (const fieldsV1 of [{ 'f:spec': 1 }, [], nested(100)]) {
      const refused = await patched([{ ...entry, manager: 'worse', fieldsV1 }]);
      expect(refused.status === 200 ? managers(refused.body) : 'refused').not.toContain(
        'worse Update',
      );
    }
    expect(managers((await patched([{}])).body)).toEqual([]);
  });
});

const nested = (depth: number): object => (depth === 0 ? {} : { 'f:x': nested(depth - 1) });
