import 'reflect-metadata';
import { generateKeyPairSync, X509Certificate, type webcrypto } from 'node:crypto';
import { cp, mkdtemp, readdir, readFile, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as x509 from '@peculiar/x509';
import { ManualClock } from '@gantry/testing';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Pki } from './pki.js';

const day = 86_400_000;
let directory: string;
let clock: ManualClock;

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'gantry-pki-'));
  clock = new ManualClock(Date.now());
});
afterEach(() => rm(directory, { recursive: true, force: true }));

const open = (more: { at?: string; advertiseAddress?: string; tlsSans?: string[] } = {}) =>
  Pki.open({
    directory: more.at ?? join(directory, 'pki'),
    advertiseAddress: more.advertiseAddress ?? '10.9.8.7',
    tlsSans: more.tlsSans ?? [],
    agentCertificateHours: 24,
    clock,
  });

async function certificateRequest(
  commonName: string,
  keys?: webcrypto.CryptoKeyPair,
): Promise<string> {
  const algorithm = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' };
  keys ??= await crypto.subtle.generateKey(algorithm, true, ['sign', 'verify']);
  const name = `CN=${commonName}`;
  const csr = await x509.Pkcs10CertificateRequestGenerator.create({
    name,
    keys,
    signingAlgorithm: algorithm,
  });
  return csr.toString('pem');
}

describe('Pki', () => {
  it('makes what is missing and finds it again', async () => {
    const first = await open();
    const second = await open();
    expect(second.caHash).toBe(first.caHash);
    expect(second.serving).toEqual(first.serving);
    expect(second.admin).toEqual(first.admin);
    expect(first.caHash).toMatch(/^sha256:[0-9a-f]{64}$/);
    for (const file of await readdir(join(directory, 'pki'))) {
      const { mode } = await stat(join(directory, 'pki', file));
      expect([file, mode & 0o777]).toEqual([file, 0o600]);
    }
  });

  it('gives one CA to two that start at once', async () => {
    const all = await Promise.all([open(), open(), open()]);
    expect(new Set(all.map((pki) => pki.caHash)).size).toBe(1);
  });

  it('serves under every name and address that it is reached by', async () => {
    const { serving } = await open({ tlsSans: ['api.example.org', 'fd00::1'] });
    const certificate = new X509Certificate(serving.certificatePem);
    for (const name of ['localhost', 'kubernetes.default.svc', 'api.example.org']) {
      expect(certificate.checkHost(name)).toBe(name);
    }
    for (const ip of ['127.0.0.1', '::1', '10.9.8.7', 'fd00::1']) {
      expect(certificate.checkIP(ip)).toBe(ip);
    }
    expect(certificate.ca).toBe(false);
  });

  it('serves a copy elsewhere under a certificate for there', async () => {
    const first = await open();
    const copy = join(directory, 'copy');
    await cp(join(directory, 'pki'), copy, { recursive: true });
    const second = await open({ at: copy, advertiseAddress: '10.1.1.1' });
    expect(second.caHash).toBe(first.caHash);
    expect(new X509Certificate(second.serving.certificatePem).checkIP('10.1.1.1')).toBeDefined();
    const sealed = first.sealing.seal('k', Buffer.from('secret'));
    expect(Buffer.from(second.sealing.open('k', sealed)).toString()).toBe('secret');
  });

  it('renews its certificates before they end, and tells', async () => {
    const pki = await open();
    const { serving, admin } = pki;
    let told = 0;
    const forget = pki.onRenewed(() => (told += 1));
    clock.advance(200 * day);
    await pki.renew();
    expect([told, pki.serving]).toEqual([0, serving]);
    clock.advance(60 * day);
    await pki.renew();
    expect(told).toBe(1);
    expect(pki.serving).not.toEqual(serving);
    expect(pki.admin).not.toEqual(admin);
    expect((await open()).serving).toEqual(pki.serving);
    forget();
  });

  it('signs an agent for one node, for its time', async () => {
    const pki = await open();
    const csr = await certificateRequest('system:node:one');
    const { certificatePem, notAfter } = await pki.signAgent(csr, 'one');
    const certificate = new X509Certificate(certificatePem);
    expect(certificate.subject).toBe('O=system:nodes\nCN=system:node:one');
    expect(certificate.verify(new X509Certificate(pki.caPem).publicKey)).toBe(true);
    expect(certificate.keyUsage).toEqual(['1.3.6.1.5.5.7.3.2', '1.3.6.1.5.5.7.3.1']);
    expect(certificate.subjectAltName).toBeUndefined();
    expect(Math.abs(notAfter.getTime() - clock.now() - day)).toBeLessThan(2_000);
  });

  it('refuses requests that are for another, unsigned by their key, or rubbish', async () => {
    const pki = await open();
    const other = await certificateRequest('system:node:two');
    await expect(pki.signAgent(other, 'one')).rejects.toMatchObject({ reason: 'BadRequest' });
    const body = Buffer.from(other.replaceAll(/-----.*-----|\s/g, ''), 'base64');
    body[body.length - 4]! ^= 0x55;
    const forged = `-----BEGIN CERTIFICATE REQUEST-----\n${body.toString('base64')}\n-----END CERTIFICATE REQUEST-----`;
    const { publicKey } = generateKeyPairSync('ed25519');
    const key = publicKey.export({ type: 'spki', format: 'pem' }).toString();
    for (const bad of [forged, key, '', 'rubbish', 'x'.repeat(20_000)]) {
      await expect(pki.signAgent(bad, 'two')).rejects.toMatchObject({ reason: 'BadRequest' });
    }
  });

  it('puts server, CA and client into the kubeconfig', async () => {
    const pki = await open();
    const path = join(directory, 'admin.kubeconfig');
    await pki.writeKubeconfig(path, 'https://10.9.8.7:6443');
    const { clusters, users } = JSON.parse(await readFile(path, 'utf8'));
    expect(clusters[0].cluster.server).toBe('https://10.9.8.7:6443');
    const certificate = Buffer.from(users[0].user['client-certificate-data'], 'base64');
    expect(new X509Certificate(certificate).subject).toBe('O=system:masters\nCN=kubernetes-admin');
  });
});
