import type { Pod, Secret } from '@gantry/api';
import { expect, test } from 'vitest';
import type { ResourceLookup } from '../bundle/environment.js';
import { registryAuth } from './registry-auth.js';

const base64 = (text: string) => Buffer.from(text).toString('base64');
const auths = {
  'https://index.docker.io/v1/': { auth: base64('me:pass:word') },
  'registry.example:5000/team': { username: 'u', password: 'p' },
};
const secrets: Record<string, Record<string, string>> = {
  current: { '.dockerconfigjson': base64(JSON.stringify({ auths })) },
  older: { '.dockercfg': base64(JSON.stringify({ 'ghcr.io': { identitytoken: 't' } })) },
  broken: { '.dockerconfigjson': base64('{') },
  other: { key: base64('value') },
};
const lookup = {
  secret: (name: string) => (secrets[name] ? ({ data: secrets[name] } as Secret) : undefined),
} as ResourceLookup;

const podWith = (...names: string[]) =>
  ({
    spec: { imagePullSecrets: names.map((name) => ({ name })), containers: [] },
  }) as unknown as Pod;

test('credentials come from all secrets that the pod names, in both formats', () => {
  expect(registryAuth(podWith('current', 'older'), lookup)).toMatchObject([
    { registry: 'docker.io', username: 'me', password: 'pass:word' },
    { registry: 'registry.example:5000/team', username: 'u', password: 'p' },
    { registry: 'ghcr.io', identityToken: 't' },
  ]);
});

test('a secret that is missing, malformed or of another kind gives none', () => {
  expect(registryAuth(podWith('absent', 'broken', 'other'), lookup)).toEqual([]);
});
