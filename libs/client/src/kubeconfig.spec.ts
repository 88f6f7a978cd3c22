import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { loadKubeconfig, resolveContext } from './kubeconfig.js';

let dir: string;
const path = (name: string) => join(dir, name);
const base64 = (text: string) => Buffer.from(text).toString('base64');

beforeAll(() => {
  dir = mkdtempSync(join(tmpdir(), 'gantry-kubeconfig-'));
  writeFileSync(path('ca.pem'), 'CA');
  writeFileSync(
    path('main'),
    `apiVersion: v1
kind: Config
current-context: here
contexts:
- {name: here, context: {cluster: c, user: u, namespace: team}}
- {name: lost, context: {cluster: nowhere, user: u}}
- {name: plugin, context: {cluster: c, user: p}}
clusters:
- {name: c, cluster: {server: "https://a:6443/", certificate-authority: ca.pem}}
users:
- {name: u, user: {client-certificate-data: ${base64('CERT')}, client-key-data: ${base64('KEY')}}}
- {name: p, user: {exec: {command: x}}}
`,
  );
  writeFileSync(
    path('second'),
    `current-context: there
contexts: [{name: there, context: {cluster: c2, user: u}}, {name: here, context: {cluster: c2, user: u}}]
clusters: [{name: c2, cluster: {server: "https://b", insecure-skip-tls-verify: true}}]
`,
  );
  writeFileSync(path('bad'), 'a: [');
  writeFileSync(path('list'), '- a');
  writeFileSync(path('empty'), '');
});

afterAll(() => rmSync(dir, { recursive: true, force: true }));

describe('kubeconfig', () => {
  it('gives the current context with its files read', async () => {
    expect(resolveContext(await loadKubeconfig([path('main')]))).toMatchObject({
      server: 'https://a:6443',
      caPem: 'CA',
      certPem: 'CERT',
      keyPem: 'KEY',
      namespace: 'team',
    });
  });

  it('merges files, the first wins, missing ones are skipped', async () => {
    const config = await loadKubeconfig([path('none'), path('main'), path('second')]);
    expect(config.currentContext).toBe('here');
    expect(resolveContext(config).server).toBe('https://a:6443');
    expect(resolveContext(config, 'there')).toMatchObject({
      server: 'https://b',
      insecureSkipTlsVerify: true,
      certPem: 'CERT',
    });
  });

  it.each<[string, string, string | undefined, string]>([
    ['a missing file', 'none', undefined, 'set KUBECONFIG or give --kubeconfig FILE'],
    ['broken YAML', 'bad', undefined, 'is not valid YAML'],
    ['a list', 'list', undefined, 'does not hold an object'],
    ['no current context', 'empty', undefined, 'has no current-context'],
    [
      'an unknown context',
      'main',
      'nope',
      'no context named "nope" in the kubeconfig (there: here, lost, plugin)',
    ],
    ['an unknown cluster', 'main', 'lost', 'no cluster named "nowhere"'],
    ['a credential plugin', 'main', 'plugin', 'credential plugin'],
  ])('refuses %s', async (_, file, context, expected) => {
    const resolved = async () => resolveContext(await loadKubeconfig([path(file)]), context);
    await expect(resolved()).rejects.toThrow(expected);
  });
});
