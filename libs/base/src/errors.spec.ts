import { expect, test } from 'vitest';
import { describeError, invalid, notFound } from './errors.js';

test('names the resource with its group as Kubernetes does', () => {
  const error = notFound({ kind: 'deployments', group: 'apps', name: 'web' });
  expect(error.message).toBe('deployments.apps "web" not found');
  expect([error.httpCode, error.grpcCode]).toEqual([404, 5]);
});

test('lists every invalid field', () => {
  const causes = [
    { reason: 'FieldValueRequired', field: 'spec.a', message: 'Required value' },
    { reason: 'FieldValueRequired', field: 'spec.b', message: 'Required value' },
  ];
  expect(invalid({ kind: 'Pod', name: 'x', causes }).message).toBe(
    'Pod "x" is invalid: [spec.a: Required value, spec.b: Required value]',
  );
});

test('describes the chain of causes once', () => {
  const root = new Error('EPERM');
  const step = new Error('mount /proc', { cause: root });
  expect(describeError(new Error('start container', { cause: step }))).toBe(
    'start container: mount /proc: EPERM',
  );
});
