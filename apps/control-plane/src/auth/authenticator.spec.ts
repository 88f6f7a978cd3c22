import 'reflect-metadata';
import { createHash, randomBytes } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer, request, type Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { silentLogger, systemClock } from '@gantry/base';
import { ManualClock } from '@gantry/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { UserInfo } from '../api/index.js';
import { Authenticator } from './authenticator.js';
import type { KeyPair } from './certificate-authority.js';
import { Pki } from './pki.js';
import { TokenFile } from './token-file.js';

const token = randomBytes(16).toString('hex');
let directory: string;
let pki: Pki;
let stranger: Pki;
let server: Server;
let tokenFile: string;

const open = (name: string, clock = systemClock) =>
  Pki.open({
    directory: join(directory, name),
    advertiseAddress: '127.0.0.1',
    tlsSans: [],
    agentCertificateHours: 1,
    clock,
  });

/** Asks the server who it takes us for. */
function whoAmI(options: { identity?: KeyPair; authorization?: string } = {}): Promise<{
  user?: UserInfo;
  error?: string;
}> {
  const { identity, authorization } = options;
  const tls = identity ? { cert: identity.certificatePem, key: identity.keyPem } : {};
  const headers = authorization ? { authorization } : {};
  const { port } = server.address() as AddressInfo;
  return new Promise((resolve, reject) => {
    const call = request({ port, ca: pki.caPem, ...tls, headers, agent: false }, (response) => {
      let body = '';
      response.on('data', (chunk: Buffer) => (body += chunk.toString()));
      response.on('end', () => resolve(JSON.parse(body)));
    });
    call.on('error', reject).end();
  });
}

async function writeTokens(tokens: unknown): Promise<void> {
  await writeFile(tokenFile, typeof tokens === 'string' ? tokens : JSON.stringify(tokens));
}

const entry = (user: string) => {
  const hash = createHash('sha256').update(token).digest('hex');
  return { hash, user, groups: ['system:masters'] };
};

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'gantry-auth-'));
  tokenFile = join(directory, 'tokens.json');
  pki = await open('ours');
  stranger = await open('theirs');
  const authenticator = new Authenticator(new TokenFile(tokenFile, silentLogger), silentLogger);
  const { certificatePem: cert, keyPem: key } = pki.serving;
  const options = { cert, key, ca: pki.caPem, requestCert: true, rejectUnauthorized: false };
  server = createServer(options, (incoming, outgoing) => {
    authenticator.authenticate(incoming).then(
      (user) => outgoing.end(JSON.stringify({ user })),
      (error: Error) => outgoing.end(JSON.stringify({ error: error.message })),
    );
  });
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
});

afterAll(async () => {
  await new Promise((resolve) => server.close(resolve));
  await rm(directory, { recursive: true, force: true });
});

describe('Authenticator.authenticate', () => {
  it('takes user and groups from a certificate of the cluster', async () => {
    expect((await whoAmI({ identity: pki.admin })).user).toEqual({
      name: 'kubernetes-admin',
      groups: ['system:masters', 'system:authenticated'],
    });
  });

  it('does not take a certificate of another cluster, or one that has ended', async () => {
    const foreign = await whoAmI({ identity: stranger.admin });
    expect(foreign.error).toContain('the client certificate is not accepted');
    const past = new ManualClock(Date.now() - 20 * 365 * 86_400_000);
    const { authority } = pki;
    const ended = await (
      Object.assign(Object.create(authority), { clock: past }) as typeof authority
    ).issue({ commonName: 'old', organizations: ['system:masters'], usage: 'client', validMs: 1 });
    expect((await whoAmI({ identity: ended })).error).toContain('CERT_HAS_EXPIRED');
  });

  it('does not take the serving certificate for a client', async () => {
    expect((await whoAmI({ identity: pki.serving })).error).toContain('is not accepted');
  });

  it('knows nobody by nothing', async () => {
    expect((await whoAmI()).user?.name).toBe('system:anonymous');
  });

  it('knows bearer tokens by their hash, and reads the file again when it changes', async () => {
    const authorization = `Bearer ${token}`;
    expect((await whoAmI({ authorization })).error).toBe('the bearer token is not valid');
    await writeTokens([entry('robot')]);
    expect((await whoAmI({ authorization })).user).toEqual({
      name: 'robot',
      groups: ['system:masters', 'system:authenticated'],
    });
    await writeTokens('[{"half":');
    expect((await whoAmI({ authorization })).user?.name).toBe('robot');
    await writeTokens([]);
    expect((await whoAmI({ authorization })).error).toBe('the bearer token is not valid');
  });

  it.each(['Basic YTpi', 'Bearer', 'Bearer a b', `Bearer ${'f'.repeat(64)}`])(
    'refuses %s',
    async (authorization) => {
      await writeTokens([entry('robot')]);
      expect((await whoAmI({ authorization })).error).toBe('the bearer token is not valid');
    },
  );
});

describe('Authenticator.authorize', () => {
  const authenticator = new Authenticator(new TokenFile(undefined, silentLogger), silentLogger);
  const node = { name: 'system:node:a', groups: ['system:nodes', 'system:authenticated'] };
  const getPod = { verb: 'get', resource: 'pods', group: '', namespace: 'default', name: 'web' };

  it('lets masters do everything', async () => {
    const master = { name: 'me', groups: ['system:masters'] };
    await authenticator.authorize(master, { verb: 'delete', resource: 'namespaces', name: 'x' });
  });

  it('says whom it refuses what', async () => {
    await expect(authenticator.authorize(node, getPod)).rejects.toMatchObject({
      reason: 'Forbidden',
      message:
        'pods "web" is forbidden: User "system:node:a" cannot get resource "pods" in API group ""' +
        ' in the namespace "default"',
    });
    const path = authenticator.authorize(node, { verb: 'get', path: '/metrics' });
    await expect(path).rejects.toThrow('User "system:node:a" cannot get path "/metrics"');
  });

  it('lets everyone read the probes and nothing else', async () => {
    const nobody = { name: 'system:anonymous', groups: ['system:unauthenticated'] };
    await authenticator.authorize(nobody, { verb: 'get', path: '/readyz' });
    const write = authenticator.authorize(nobody, { verb: 'post', path: '/readyz' });
    await expect(write).rejects.toMatchObject({ reason: 'Unauthorized' });
    const read = authenticator.authorize(nobody, getPod);
    await expect(read).rejects.toMatchObject({ reason: 'Unauthorized' });
  });
});
