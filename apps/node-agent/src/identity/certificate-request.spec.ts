import 'reflect-metadata';
import { generateKeyPairSync } from 'node:crypto';
import { Pkcs10CertificateRequest } from '@peculiar/x509';
import { expect, test } from 'vitest';
import { certificateRequest } from './certificate-request.js';

test('is a valid PKCS #10 request that another implementation verifies', async () => {
  const keys = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const longName = `system:node:${'a'.repeat(200)}`;
  for (const commonName of ['system:node:one', longName]) {
    const pem = certificateRequest({ commonName, organization: 'system:nodes' }, keys);
    const request = new Pkcs10CertificateRequest(pem);
    expect(await request.verify()).toBe(true);
    expect(request.subject).toBe(`O=system:nodes, CN=${commonName}`);
  }
});
