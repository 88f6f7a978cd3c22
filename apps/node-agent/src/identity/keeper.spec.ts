import { X509Certificate } from 'node:crypto';
import { mkdtemp, readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { request } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { credentials, status } from '@grpc/grpc-js';
import { loadAgentProtocol, type ControlMessage__Output } from '@gantry/agent-protocol';
import { createLogger } from '@gantry/base';
import { startControlPlane, testConfig, type ControlPlane } from '@gantry/control-plane';
import { TcpProxy } from '@gantry/testing';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { parseConfig } from '../config.js';
import { Session } from '../session/session.js';
import { renew } from './enrollment.js';
import { IdentityStore, renewalTime, type Identity } from './identity.js';
import { IdentityKeeper } from './keeper.js';

/** The control plane dates certificates back by so much, in seconds. */
const skewSeconds = 300;
const logger = createLogger({ level: 'silent', name: 'keeper' });
const protocol = loadAgentProtocol();

let directory: string;
let stop: AbortController;
let plane: ControlPlane;
let link: TcpProxy;
const running: Promise<unknown>[] = [];
const clients: { close(): void }[] = [];

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'gantry-keeper-'));
  stop = new AbortController();
});

afterEach(async () => {
  stop.abort();
  await Promise.all(running.splice(0));
  for (const client of clients.splice(0)) client.close();
  await link?.close();
  await plane?.close();
  await rm(directory, { recursive: true, force: true });
});

/** A control plane whose certificates for agents live for so long. */
async function start(validSeconds: number): Promise<void> {
  const agentCertificateHours = validSeconds / 3600;
  plane = await startControlPlane(testConfig(join(directory, 'cp'), { agentCertificateHours }));
  link = await TcpProxy.start(plane.gatewayPort);
}

function joinToken(): Promise<string> {
  const { certificatePem: cert, keyPem: key } = plane.pki.admin;
  const headers = { 'content-type': 'application/json' };
  const url = `${plane.apiUrl}/apis/gantry.dev/v1/jointokens`;
  const options = { method: 'POST', ca: plane.pki.caPem, cert, key, headers, agent: false };
  return new Promise((resolve, reject) => {
    const call = request(url, options, (response) => {
      let text = '';
      response.on('data', (chunk: Buffer) => (text += chunk.toString()));
      response.on('end', () => resolve(JSON.parse(text).status.token));
    });
    const metadata = { generateName: 'keeper-' };
    call.on('error', reject);
    call.end(JSON.stringify({ metadata, spec: { usesLeft: 1 } }));
  });
}

const dataDir = (name: string) => join(directory, name);
const identityDir = (name: string) => join(directory, name, 'identity');

async function joined(nodeName: string): Promise<IdentityKeeper> {
  const flags = {
    server: `127.0.0.1:${link.port}`,
    'ca-hash': plane.pki.caHash,
    token: await joinToken(),
    'node-name': nodeName,
    'data-dir': dataDir(nodeName),
  };
  const argv = Object.entries(flags).map(([flag, value]) => `--${flag}=${value}`);
  const keeper = new IdentityKeeper(parseConfig(argv), logger);
  await keeper.obtain(stop.signal);
  return keeper;
}

/** The agent's own session with its peer left out; counts how often it was registered. */
function connect(keeper: IdentityKeeper, name: string) {
  let registrations = 0;
  const nodeJson = Buffer.from(JSON.stringify({ metadata: { name }, spec: {}, status: {} }));
  const session = new Session({
    servers: [`127.0.0.1:${link.port}`],
    identity: () => keeper.current,
    logger,
    peer: {
      hello: () => ({ agentVersion: 'test', nodeJson, pods: [], bootId: 'b' }),
      receive: (message: ControlMessage__Output) => {
        if (message.registered) registrations += 1;
      },
      disconnected: () => {},
    },
  });
  running.push(session.run(stop.signal));
  return { session, registrations: () => registrations };
}

const serial = ({ certificatePem }: Identity) => new X509Certificate(certificatePem).serialNumber;
const expiry = ({ certificatePem }: Identity) =>
  new X509Certificate(certificatePem).validToDate.getTime();

function enrollmentClient({ caPem, keyPem, certificatePem }: Identity) {
  const [ca, key, certificate] = [caPem, keyPem, certificatePem].map((pem) => Buffer.from(pem));
  const tls = credentials.createSsl(ca, key, certificate);
  const client = new protocol.Enrollment(`127.0.0.1:${link.port}`, tls);
  clients.push(client);
  return client;
}

describe("an agent's certificate", () => {
  test('is renewed after two thirds of its life, not before, with a new key', async () => {
    const dueInSeconds = 2;
    // Two thirds of (skew + validity) after -skew is now + dueInSeconds.
    await start(skewSeconds / 2 + dueInSeconds * 1.5);
    const keeper = await joined('one');
    const first = keeper.current;
    const { session } = connect(keeper, 'one');
    await expect.poll(() => session.connected).toBe(true);
    let checks = 0;
    const counted = () => {
      checks += 1;
      if (Date.now() < renewalTime(first)) expect(serial(keeper.current)).toBe(serial(first));
      return session.enrollmentClient;
    };
    running.push(keeper.keepFresh(counted, stop.signal, 50));
    const renewed = () => serial(keeper.current) !== serial(first);
    await expect.poll(renewed, { timeout: 10_000, interval: 20 }).toBe(true);
    const now = Date.now();
    expect(checks).toBeGreaterThan(3);
    expect(now).toBeGreaterThanOrEqual(renewalTime(first));
    expect(now).toBeLessThan(expiry(first));
    expect(keeper.current.keyPem).not.toBe(first.keyPem);
    expect(renewalTime(keeper.current)).toBeGreaterThan(now);

    expect(await new IdentityStore(identityDir('one')).load()).toEqual(keeper.current);
    expect((await readdir(identityDir('one'))).sort()).toEqual(['ca.crt', 'node.crt', 'node.key']);
    expect((await stat(identityDir('one'))).mode & 0o777).toBe(0o700);
    for (const file of ['node.key', 'node.crt', 'ca.crt']) {
      expect((await stat(join(identityDir('one'), file))).mode & 0o777).toBe(0o600);
    }
  }, 30_000);

  test('is used from the next connection on, when the old one has expired', async () => {
    await start(4);
    const keeper = await joined('two');
    const first = keeper.current;
    const { session, registrations } = connect(keeper, 'two');
    await expect.poll(() => session.connected).toBe(true);
    running.push(keeper.keepFresh(() => session.enrollmentClient, stop.signal, 500));
    const expired = () => Date.now() > expiry(first) + 1000;
    await expect.poll(expired, { timeout: 15_000 }).toBe(true);
    expect(registrations()).toBe(1);
    expect(session.connected).toBe(true);
    link.cut();
    await expect.poll(registrations, { timeout: 10_000 }).toBe(2);
    const late = renew(enrollmentClient(first), 'two');
    await expect(late).rejects.toMatchObject({ code: status.UNAUTHENTICATED });
  }, 40_000);

  test('is not given to another node, nor to nobody', async () => {
    await start(3600);
    const [mine, other] = [await joined('mine'), await joined('other')];
    const stolen = renew(enrollmentClient(other.current), 'mine');
    await expect(stolen).rejects.toMatchObject({
      code: status.INVALID_ARGUMENT,
      details: expect.stringContaining('system:node:mine'),
    });
    const anonymous = new protocol.Enrollment(
      `127.0.0.1:${link.port}`,
      credentials.createSsl(Buffer.from(plane.pki.caPem)),
    );
    clients.push(anonymous);
    await expect(renew(anonymous, 'mine')).rejects.toMatchObject({ code: status.UNAUTHENTICATED });
    const own = await renew(enrollmentClient(mine.current), 'mine');
    expect(new X509Certificate(own.certificatePem).subject).toContain('CN=system:node:mine');
  }, 30_000);

  test('stays the old one while the control plane cannot answer', async () => {
    await start(100);
    const keeper = await joined('three');
    const before = keeper.current;
    expect(renewalTime(before)).toBeLessThan(Date.now());
    const client = enrollmentClient(before);
    link.refuse();
    let checks = 0;
    const counted = () => {
      checks += 1;
      return client;
    };
    running.push(keeper.keepFresh(counted, stop.signal, 20));
    await expect.poll(() => checks, { timeout: 10_000 }).toBeGreaterThan(2);
    expect(keeper.current).toBe(before);
    link.heal();
    const renewed = () => serial(keeper.current) !== serial(before);
    await expect.poll(renewed, { timeout: 15_000 }).toBe(true);
  }, 40_000);

  test.each([
    ['key alone', ['node.key']],
    ['key and certificate', ['node.key', 'node.crt']],
  ])('survives a crash that had put the new %s in place', async (_, placed) => {
    await start(3600);
    const keeper = await joined('four');
    const next = await renew(enrollmentClient(keeper.current), 'four');
    const files = { 'node.key': next.keyPem, 'node.crt': next.certificatePem };
    for (const [name, text] of Object.entries({ ...files, 'ca.crt': next.caPem })) {
      await writeFile(join(identityDir('four'), `${name}.new`), text);
    }
    for (const name of placed) {
      await rename(join(identityDir('four'), `${name}.new`), join(identityDir('four'), name));
    }
    const store = new IdentityStore(identityDir('four'));
    expect(await store.load()).toEqual(next);
    const certificate = await readFile(join(identityDir('four'), 'node.crt'), 'utf8');
    expect(certificate).toBe(next.certificatePem);
    await rm(join(identityDir('four'), 'node.crt'));
    expect(await store.load()).toBeUndefined();
  });
});
