import 'reflect-metadata';
import { X509Certificate } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect } from 'node:tls';
import { ManualClock } from '@gantry/testing';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Pki } from './auth/pki.js';
import { GatewayServer } from './gateway-server.js';
import { followRenewals } from './http-server.js';

let directory: string;
let pki: Pki;
let clock: ManualClock;
const ALPNProtocols = ['h2', 'http/1.1'];

/** The serial number of the certificate that a new connection is shown. */
function shownSerial(port: number): Promise<string> {
  return new Promise((resolve, reject) => {
    const options = { port, ca: pki.caPem, servername: 'localhost', ALPNProtocols };
    const socket = connect(options, () => {
      resolve(socket.getPeerCertificate().serialNumber);
      socket.destroy();
    });
    socket.once('error', reject);
  });
}

const ownSerial = () => new X509Certificate(pki.serving.certificatePem).serialNumber;

async function expectRenewal(port: number): Promise<void> {
  const before = await shownSerial(port);
  expect(before).toBe(ownSerial());
  clock.advance(300 * 86_400_000);
  await pki.renew();
  expect(ownSerial()).not.toBe(before);
  expect(await shownSerial(port)).toBe(ownSerial());
}

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'gantry-renewal-'));
  // In the past, so that what is renewed 300 days later is valid today.
  clock = new ManualClock(Date.now() - 300 * 86_400_000);
  pki = await Pki.open({
    directory,
    advertiseAddress: '127.0.0.1',
    tlsSans: [],
    agentCertificateHours: 1,
    clock,
  });
});
afterEach(() => rm(directory, { recursive: true, force: true }));

describe('a renewed serving certificate', () => {
  it('is shown by the API to new connections', async () => {
    const { certificatePem: cert, keyPem: key } = pki.serving;
    const server = createServer({ cert, key });
    const forget = followRenewals(server, pki);
    await new Promise<void>((resolve) => {
      server.listen(0, '127.0.0.1', resolve);
    });
    await expectRenewal((server.address() as AddressInfo).port);
    forget();
    server.close();
  });

  it('is shown by the gateway to new connections', async () => {
    const gateway = new GatewayServer('127.0.0.1:0', pki);
    await new Promise<void>((resolve, reject) => {
      void gateway.listen((error) => (error ? reject(error) : resolve()));
    });
    await expectRenewal(gateway.port);
    await gateway.close();
  });
});
