import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { systemClock } from '@gantry/base';
import { startEtcd, type EtcdServer } from '@gantry/testing';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Pki } from './auth/pki.js';
import { testConfig, type Config } from './config.js';
import { startControlPlane } from './control-plane.js';

let directory: string;
let etcd: EtcdServer;
let overrides: Partial<Config>;

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'gantry-etcd-tls-'));
  const pki = await Pki.open({
    directory: join(directory, 'etcd-pki'),
    advertiseAddress: '127.0.0.1',
    tlsSans: [],
    agentCertificateHours: 1,
    clock: systemClock,
  });
  const write = async (name: string, pem: string) => {
    await writeFile(join(directory, name), pem);
    return join(directory, name);
  };
  const ca = await write('ca.crt', pki.caPem);
  const server = await pki.authority.issue({
    commonName: 'etcd',
    organizations: [],
    // etcd's own gateway calls it as a client with the same certificate.
    usage: 'both',
    names: ['127.0.0.1'],
    validMs: 3_600_000,
  });
  etcd = await startEtcd({
    ca,
    certificate: await write('etcd.crt', server.certificatePem),
    key: await write('etcd.key', server.keyPem),
  });
  overrides = {
    store: { type: 'etcd', endpoints: [etcd.endpoint] },
    etcdCa: ca,
    etcdCertificate: await write('client.crt', pki.admin.certificatePem),
    etcdKey: await write('client.key', pki.admin.keyPem),
  };
});

afterEach(async () => {
  await etcd?.stop();
  await rm(directory, { recursive: true, force: true });
});

describe('an etcd that wants TLS and client certificates', () => {
  it('serves who has them: transactions, watches and leases', async () => {
    const plane = await startControlPlane(testConfig(join(directory, 'data'), overrides));
    await expect.poll(() => plane.leader.leading, { timeout: 10_000 }).toBe(true);
    const seen = new AbortController();
    const watching = (async () => {
      for await (const event of plane.store.watch('key', { signal: seen.signal })) {
        if (event.type === 'put') seen.abort();
        else await plane.store.transact([], [{ type: 'put', key: 'key', value: Buffer.of(1) }]);
      }
    })();
    await watching;
    expect(seen.signal.aborted).toBe(true);
    await plane.close();
  }, 30_000);

  it('refuses who has none, and the control plane says so', async () => {
    const { etcdCertificate: _, etcdKey: __, ...anonymous } = overrides;
    const starting = startControlPlane(testConfig(join(directory, 'data'), anonymous));
    await expect(starting).rejects.toMatchObject({ reason: 'ServiceUnavailable' });
  }, 30_000);
});
