import { buildImage, pushImage, registryUser, startRegistry } from '@gantry/testing';
import { expect, test } from 'vitest';
import { selfSigned } from '../spec/certificates.js';
import { withStore } from '../spec/stores.js';
import { TokenServer } from '../spec/token-server.js';
import { parseDockerConfig } from './docker-config.js';

const image = buildImage({ layers: [{ entries: [{ name: 'a', content: 'a' }] }] });

test('exchanges credentials for tokens, and keeps them for their life', async () => {
  const tokens = new TokenServer(registryUser, 300);
  await tokens.start();
  const { realm, certificate } = tokens;
  const registry = await startRegistry({ token: { realm, certificate: certificate.cert } });
  try {
    const auth = [{ registry: registry.host, ...registryUser }];
    await pushImage(`${registry.host}/private/app:1`, image, { auth });
    await pushImage(`${registry.host}/public/app:1`, image, { auth });
    tokens.granted.length = 0;
    await withStore({}, async (store) => {
      await store.pull(`${registry.host}/private/app:1`, { auth });
      // Manifest, configuration and layer went by one token.
      expect(tokens.granted).toHaveLength(1);
      expect(decodeURIComponent(tokens.granted[0]!)).toContain('scope=repository:private/app:pull');
    });
    await withStore({}, async (store) => {
      await store.pull(`${registry.host}/public/app:1`);
      await expect(store.pull(`${registry.host}/private/app:1`)).rejects.toMatchObject({
        code: 'unauthorized',
        message: expect.stringContaining('imagePullSecrets'),
      });
    });
  } finally {
    await registry.stop();
    await tokens.close();
  }
});

test('trusts a private authority only for the registry it is named for', async () => {
  const tls = selfSigned();
  const registry = await startRegistry({ tls });
  const name = `${registry.host}/app:1`;
  const registries = { [registry.host]: { ca: tls.cert } };
  try {
    await pushImage(name, image, { registries });
    await withStore({ registries }, async (store) => {
      expect((await store.pull(name)).layerDirs).toHaveLength(1);
    });
    await withStore({ registries: { [registry.host]: { plainHttp: false } } }, async (store) => {
      await expect(store.pull(name)).rejects.toMatchObject({
        code: 'unavailable',
        message: expect.stringContaining('is not trusted'),
      });
    });
  } finally {
    await registry.stop();
  }
});

test('reads the docker configuration that secrets hold', () => {
  const auth = Buffer.from('me:pass:word').toString('base64');
  const config = {
    auths: {
      'https://index.docker.io/v1/': { auth },
      'registry.example:5000/team': { username: 'u', password: 'p' },
      'ghcr.io': { identitytoken: 't' },
    },
  };
  const entries = [
    { registry: 'docker.io', username: 'me', password: 'pass:word' },
    { registry: 'registry.example:5000/team', username: 'u', password: 'p' },
    { registry: 'ghcr.io', identityToken: 't' },
  ];
  expect(parseDockerConfig(JSON.stringify(config))).toMatchObject(entries);
  expect(parseDockerConfig(JSON.stringify(config.auths))).toMatchObject(entries);
});

test.each(['{', 'null', '[]', '{"auths": []}', '{"auths": {"x": {"auth": "bm9jb2xvbg=="}}}'])(
  'refuses %s without showing it',
  (text) => {
    expect(() => parseDockerConfig(text)).toThrow(/^(the registry credentials|an "auth" entry)/);
  },
);
