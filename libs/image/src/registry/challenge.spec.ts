import { expect, test } from 'vitest';
import { parseChallenges } from './challenge.js';

test('reads a bearer challenge with commas inside its scope', () => {
  const header =
    'Bearer realm="https://auth.example/token",service="registry",scope="repository:a/b:pull,push"';
  expect(parseChallenges(header)).toEqual([
    {
      scheme: 'bearer',
      parameters: {
        realm: 'https://auth.example/token',
        service: 'registry',
        scope: 'repository:a/b:pull,push',
      },
    },
  ]);
});

test('reads several challenges and unquoted values', () => {
  expect(parseChallenges('Negotiate, Basic realm=x, charset="UTF-8"')).toEqual([
    { scheme: 'negotiate', parameters: {} },
    { scheme: 'basic', parameters: { realm: 'x', charset: 'UTF-8' } },
  ]);
});

test('takes nothing from garbage', () => {
  expect(parseChallenges('')).toEqual([]);
  expect(parseChallenges('"""')).toEqual([]);
});
