import { afterAll, beforeAll, expect, test } from 'vitest';
import { GantryError } from '@gantry/base';
import { type ApiFixture, openAccess, startApi } from '../testing/api-fixture.js';

let api: ApiFixture;
beforeAll(async () => {
  api = await startApi({
    access: {
      ...openAccess,
      async authorize(user, { verb, resource, subresource }) {
        if (resource !== 'secrets' || verb === 'create') return;
        throw new GantryError(
          'Forbidden',
          `${user.name} may not ${verb} ${resource}/${subresource}`,
        );
      },
    },
  });
});
afterAll(() => api[Symbol.asyncDispose]());

const ask = (resourceAttributes: object) =>
  api.call('POST', '/apis/authorization.k8s.io/v1/selfsubjectaccessreviews', {
    spec: { resourceAttributes },
  });

test('says who asks', async () => {
  const path = '/apis/authentication.k8s.io/v1/selfsubjectreviews';
  const { status, body } = await api.call('POST', path, { kind: 'SelfSubjectReview' });
  expect([status, body.status.userInfo]).toEqual([
    201,
    { username: 'tester', groups: ['system:masters'] },
  ]);
});

test('says what they may', async () => {
  expect((await ask({ verb: 'get', resource: 'pods' })).body.status).toEqual({ allowed: true });
  const refused = (await ask({ verb: 'get', resource: 'secrets', subresource: 'x' })).body.status;
  expect(refused).toEqual({ allowed: false, reason: 'tester may not get secrets/x' });
});

test('is held to the same rules', async () => {
  const { status, body } = await api.call('GET', '/api/v1/secrets');
  expect([status, body.reason]).toEqual([403, 'Forbidden']);
});
